-- Two columns of a row against each other.
-- order: total
SELECT id FROM visitors WHERE "lastSeenAt" = "firstSeenAt" AND "createdAt" <= "updatedAt" ORDER BY id;
