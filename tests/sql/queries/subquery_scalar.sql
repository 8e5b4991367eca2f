-- Comparison with a scalar subquery, one of them empty.
-- order: total
SELECT id, "messageCount" FROM conversations
WHERE "messageCount" > (SELECT AVG("messageCount") FROM conversations)
   OR "createdAt" = (SELECT MIN("createdAt") FROM conversations)
   OR id = (SELECT id FROM conversations WHERE "orgId" = 'nowhere')
ORDER BY id;
