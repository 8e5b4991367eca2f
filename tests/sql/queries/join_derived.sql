-- A join with a grouped subquery.
-- order: total
SELECT c.id AS conversation, c."messageCount" AS told, COALESCE(m.found, 0) AS found
FROM conversations c
LEFT JOIN (SELECT "conversationId", COUNT(*) AS found FROM messages GROUP BY "conversationId") m ON m."conversationId" = c.id
ORDER BY c.id;
