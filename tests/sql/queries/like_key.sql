-- A prefix of a key column, and its opposite.
-- order: total
SELECT id, "visitorKey" FROM visitors WHERE LOWER("visitorKey") LIKE 'v!_b%' ESCAPE '!' AND LOWER("visitorKey") NOT LIKE '%9' ORDER BY id;
