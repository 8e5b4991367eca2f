-- A correlated subquery in the list of columns: each visitor's last conversation and its first message.
-- order: total
SELECT v.id AS visitor,
       (SELECT MAX(c."updatedAt") FROM conversations c WHERE c."visitorId" = v.id) AS updated,
       (SELECT m.content FROM messages m JOIN conversations c ON c.id = m."conversationId"
        WHERE c."visitorId" = v.id ORDER BY m."timestamp", m.id LIMIT 1) AS first_words
FROM visitors v ORDER BY v.id;
