-- USING takes the column that is called alike.
-- order: total
SELECT "orgId", COUNT(*) AS pairs FROM visitors JOIN conversations USING ("orgId") GROUP BY "orgId" ORDER BY "orgId";
