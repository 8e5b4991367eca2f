-- More than one bound on the same side.
-- order: total
SELECT id FROM visitors
WHERE "lastSeenAt" > '2025-12-25 00:00:00.000' AND "lastSeenAt" >= '2026-01-03 00:00:00.000' AND "lastSeenAt" < '2026-02-20 00:00:00.000'
  AND "lastSeenAt" <= '2026-02-20 00:00:00.000' AND id > 'c' AND id > 'c0'
ORDER BY id;
