-- The same visitor key in two organisations.
-- order: total
SELECT a."visitorKey" AS visitor, a.id AS one, b.id AS other
FROM visitors a JOIN visitors b ON a."visitorKey" = b."visitorKey" AND a."orgId" < b."orgId"
ORDER BY a."visitorKey";
