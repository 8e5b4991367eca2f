-- BETWEEN, both ends included.
-- order: total
SELECT id, "lastSeenAt" FROM visitors
WHERE "lastSeenAt" BETWEEN '2025-12-31 23:59:59.999' AND '2026-01-31 00:00:00.000' ORDER BY "lastSeenAt", id;
