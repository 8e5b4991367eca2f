-- Percent and underline as themselves. SQLite's LIKE takes upper and lower case for alike, so the text is lowered.
-- order: total
SELECT id, content FROM messages
WHERE LOWER(content) LIKE '%!%%' ESCAPE '!' OR LOWER(content) LIKE '%!_%' ESCAPE '!' OR LOWER(content) LIKE '=%' ORDER BY id;
