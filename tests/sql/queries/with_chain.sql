-- One expression on another, and one of them used twice.
-- order: total
WITH active AS (SELECT "visitorId" AS visitor, COUNT(*) AS n FROM conversations WHERE "visitorId" IS NOT NULL GROUP BY "visitorId"),
     best AS (SELECT MAX(n) AS most FROM active)
SELECT v."visitorKey" AS visitor, a.n FROM active a JOIN best ON a.n >= best.most / 8 JOIN visitors v ON v.id = a.visitor
ORDER BY a.n DESC, a.visitor;
