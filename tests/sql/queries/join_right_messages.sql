-- A join whose rows SQLite knows again by their ids.
-- order: total
-- Rows are told apart by an id that nobody asked for.
SELECT count(*) AS n
FROM conversations c RIGHT JOIN messages m ON m."conversationId" = c.id AND m.role = 'user';
