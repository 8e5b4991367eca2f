-- Ranges of ids whose ends are no ids.
-- order: total
SELECT id FROM visitors WHERE id > 'c' AND id <= 'cm' UNION ALL SELECT id FROM visitors WHERE id >= 'cz' OR id < 'c1'
UNION ALL SELECT id FROM conversations WHERE id BETWEEN 'cm' AND 'cn' UNION ALL SELECT id FROM conversations WHERE id > 'd' OR id < 'C'
ORDER BY id;
