-- A join whose rows SQLite knows again by their ids, which nobody asked for.
-- order: total
SELECT count(*) AS n
FROM messages m
WHERE (m."conversationId" = (SELECT MIN(id) FROM conversations WHERE "messageCount" > 1) AND m.role = 'user')
   OR (m."conversationId" = (SELECT MAX(id) FROM conversations WHERE "messageCount" > 1) AND m.role = 'user')
   OR (m."conversationId" = (SELECT MAX("conversationId") FROM messages));
