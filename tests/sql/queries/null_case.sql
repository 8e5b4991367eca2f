-- CASE with and without an operand.
-- order: total
SELECT id, CASE role WHEN 'user' THEN 'asks' WHEN NULL THEN 'never' END AS asks,
       CASE WHEN content = '' THEN 'empty' WHEN content IS NULL THEN 'missing' WHEN content < 'a' THEN 'low' ELSE 'high' END AS kind
FROM messages ORDER BY id;
