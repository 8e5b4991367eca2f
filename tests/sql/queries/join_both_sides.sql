-- Conditions on both sides of a join, on key columns of each.
-- order: total
SELECT v.id AS visitor, c.id AS conversation
FROM visitors v JOIN conversations c ON v.id = c."visitorId"
WHERE v."orgId" = c."orgId" AND v."lastSeenAt" >= '2026-01-10 00:00:00.000' AND c."updatedAt" < '2026-02-20 00:00:00.000'
  AND v."visitorKey" LIKE 'v!_%' ESCAPE '!' AND c."messageCount" BETWEEN 1 AND 5
ORDER BY v.id, c.id;
