-- The median without a function for it.
-- order: total
SELECT org, AVG(n) AS median FROM (
    SELECT "orgId" AS org, "messageCount" AS n, ROW_NUMBER() OVER (PARTITION BY "orgId" ORDER BY "messageCount", id) AS place,
           COUNT(*) OVER (PARTITION BY "orgId") AS total
    FROM conversations) counted
WHERE place BETWEEN total / 2.0 AND total / 2.0 + 1 GROUP BY org ORDER BY org;
