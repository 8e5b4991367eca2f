-- NULL is a group of its own.
-- order: total
SELECT "userAgent" AS agent, COUNT(*) AS visitors FROM visitors GROUP BY "userAgent" ORDER BY agent NULLS FIRST;
