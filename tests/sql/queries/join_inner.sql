-- Three tables, each by the key of the one before.
-- order: total
SELECT o.key AS org, v."visitorKey" AS visitor, c.id AS conversation, c."updatedAt" AS updated
FROM organizations o
JOIN visitors v ON v."orgId" = o.id
JOIN conversations c ON c."visitorId" = v.id
ORDER BY o.key, v."visitorKey", c.id;
