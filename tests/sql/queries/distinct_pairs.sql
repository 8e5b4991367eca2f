-- DISTINCT over two columns, one with NULLs.
-- order: total
SELECT DISTINCT "orgId", "visitorId" FROM conversations ORDER BY "orgId", "visitorId" NULLS LAST;
