-- Visitors
-- Every visitor, the one who was here last first.
SELECT "visitorKey", "firstSeenAt", "lastSeenAt" FROM visitors ORDER BY "lastSeenAt" DESC;
