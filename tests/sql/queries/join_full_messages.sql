-- A join whose rows SQLite knows again by their ids, which nobody asked for.
-- order: total
SELECT count(*) AS n, count(c."orgId") AS left_rows, count(m.role) AS right_rows
FROM conversations c FULL JOIN messages m ON m."conversationId" = c.id AND m.role = 'assistant';
