-- A series of numbers out of nothing, joined with a count.
-- order: total
WITH RECURSIVE depth(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM depth WHERE n < 15)
SELECT d.n, COUNT(c.id) AS conversations FROM depth d LEFT JOIN conversations c ON c."messageCount" = d.n GROUP BY d.n ORDER BY d.n;
