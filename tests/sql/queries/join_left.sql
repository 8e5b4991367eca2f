-- Visitors without a conversation stay, with NULLs.
-- order: total
SELECT v.id AS visitor, c.id AS conversation, c."messageCount" AS messages
FROM visitors v LEFT JOIN conversations c ON c."visitorId" = v.id AND c."messageCount" > 3
ORDER BY v.id, c.id NULLS FIRST;
