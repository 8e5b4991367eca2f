-- Every column as the table declares it, in the order of the key.
-- order: total
SELECT * FROM visitors ORDER BY id;
