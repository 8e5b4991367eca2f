-- Messages of one conversation at the very same time: an inequality on the key.
-- order: total
SELECT a.id AS one, b.id AS other, a."timestamp" AS at
FROM messages a JOIN messages b ON a."conversationId" = b."conversationId" AND a."timestamp" = b."timestamp" AND a.id < b.id
ORDER BY a.id, b.id;
