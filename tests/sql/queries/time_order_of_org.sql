-- One organisation's visitors by time.
-- order: total
SELECT v.id, v."lastSeenAt" FROM visitors v
WHERE v."orgId" = (SELECT id FROM organizations WHERE key = 'second') ORDER BY v."lastSeenAt", v.id LIMIT 40;
