-- FILTER, and an aggregate over nothing.
-- order: total
SELECT "orgId", COUNT(*) FILTER (WHERE role = 'user') AS asked, COUNT(*) FILTER (WHERE role = 'assistant') AS answered,
       COUNT(*) FILTER (WHERE role = 'nobody') AS nobody, MAX("timestamp") FILTER (WHERE role = 'nobody') AS never
FROM messages GROUP BY "orgId" ORDER BY "orgId";
