-- A join by a range of time: who was here while somebody wrote.
-- order: total
SELECT m.id AS message, COUNT(v.id) AS visitors
FROM messages m JOIN visitors v ON v."orgId" = m."orgId" AND m."timestamp" BETWEEN v."firstSeenAt" AND v."lastSeenAt"
WHERE m.role = 'user' AND m."timestamp" < '2026-01-05 00:00:00.000'
GROUP BY m.id ORDER BY m.id;
