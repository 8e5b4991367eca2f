-- An offset behind the end.
-- order: total
SELECT id FROM conversations ORDER BY id LIMIT 10 OFFSET 100000;
