-- UNION takes what is twice once.
-- order: total
SELECT "orgId" AS org, "createdAt" AS at FROM visitors UNION SELECT "orgId", "createdAt" FROM conversations ORDER BY org, at;
