-- A window over what was grouped.
-- order: total
SELECT "orgId", "messageCount" AS depth, COUNT(*) AS conversations,
       SUM(COUNT(*)) OVER (PARTITION BY "orgId" ORDER BY "messageCount") AS at_most,
       1.0 * COUNT(*) / SUM(COUNT(*)) OVER (PARTITION BY "orgId") AS share
FROM conversations GROUP BY "orgId", "messageCount" ORDER BY "orgId", depth;
