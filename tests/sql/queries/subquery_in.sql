-- IN over a subquery on a key.
-- order: total
SELECT id, "visitorKey" FROM visitors
WHERE id IN (SELECT "visitorId" FROM conversations WHERE "messageCount" > 8) ORDER BY id;
