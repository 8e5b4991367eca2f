-- Groups by two columns, some of them left out afterwards.
-- order: total
SELECT "orgId", role, COUNT(*) AS messages, MIN("timestamp") AS first_at, MAX("timestamp") AS last_at, AVG(LENGTH(content)) AS mean_length
FROM messages GROUP BY "orgId", role HAVING COUNT(*) > 10 ORDER BY "orgId", role;
