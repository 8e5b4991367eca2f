-- An IN list on a column of time.
-- order: total
SELECT id, "createdAt" FROM conversations
WHERE "updatedAt" IN (SELECT "lastSeenAt" FROM visitors) AND "orgId" IN (SELECT id FROM organizations WHERE key <> 'second') ORDER BY id;
