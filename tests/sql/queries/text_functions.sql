-- Lengths in characters, parts, cases, replacements.
-- order: total
SELECT id, LENGTH(content) AS letters, SUBSTR(content, 2, 5) AS part, UPPER(SUBSTR("conversationId", 1, 9)) AS upper_id,
       REPLACE(content, 'e', '<e>') AS replaced, TRIM(content) AS trimmed, role || ':' || id AS joined
FROM messages WHERE LENGTH(content) < 600 ORDER BY id;
