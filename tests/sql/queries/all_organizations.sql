-- Every column of a small table, booleans and missing texts included.
-- order: total
SELECT * FROM organizations ORDER BY id;
