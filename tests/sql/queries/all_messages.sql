-- Every text there is, 32 KiB ones included.
-- order: total
SELECT * FROM messages ORDER BY "conversationId", "timestamp", id;
