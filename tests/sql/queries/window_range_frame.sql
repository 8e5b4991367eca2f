-- A frame by values, with peers.
-- order: total
SELECT id, COUNT(*) OVER (PARTITION BY "orgId" ORDER BY "createdAt" RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS so_far,
       COUNT(*) OVER (PARTITION BY "orgId" ORDER BY "createdAt" GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) AS near
FROM conversations ORDER BY id;
