-- The last message of each conversation, by a subquery on the same table.
-- order: total
SELECT m.id, m.role FROM messages m
WHERE m."timestamp" = (SELECT MAX(n."timestamp") FROM messages n WHERE n."conversationId" = m."conversationId")
ORDER BY m.id;
