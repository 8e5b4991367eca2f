-- Every column, the computed ones too, the key backwards.
-- order: total
SELECT * FROM conversations ORDER BY id DESC;
