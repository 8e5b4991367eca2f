-- Aggregates over distinct values.
-- order: total
SELECT "orgId", COUNT(DISTINCT "visitorId") AS visitors, COUNT(DISTINCT "createdAt") AS times, SUM(DISTINCT "messageCount") AS depths
FROM conversations GROUP BY "orgId" ORDER BY "orgId";
