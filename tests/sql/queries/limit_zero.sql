-- Nothing asked for.
-- order: total
SELECT id FROM visitors ORDER BY id LIMIT 0 OFFSET 3;
