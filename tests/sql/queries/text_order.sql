-- Texts in the order of their bytes.
-- order: total
SELECT DISTINCT content FROM messages WHERE content > 'a' AND content < 'zzz' ORDER BY content DESC;
