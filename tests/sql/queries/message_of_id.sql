-- A message by its own id, which is no key of its table.
-- order: total
SELECT m.id, m.content FROM messages m WHERE m.id IN (SELECT MAX(id) FROM messages UNION SELECT MIN(id) FROM messages) ORDER BY m.id;
