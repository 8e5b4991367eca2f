-- Ends that exist, with and without them, backwards.
-- order: total
SELECT v.id FROM visitors v
WHERE v.id > (SELECT id FROM visitors ORDER BY id LIMIT 1 OFFSET 20) AND v.id <= (SELECT id FROM visitors ORDER BY id LIMIT 1 OFFSET 120)
ORDER BY v.id DESC;
