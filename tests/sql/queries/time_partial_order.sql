-- An order with ties.
-- order: lastSeenAt
SELECT "lastSeenAt", "visitorKey", id FROM visitors WHERE "lastSeenAt" > '2026-01-15 00:00:00.000' ORDER BY "lastSeenAt" DESC;
