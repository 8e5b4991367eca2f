-- The first and the last moment there are, exactly.
-- order: total
SELECT 'visitor' AS kind, id, "lastSeenAt" AS at FROM visitors
WHERE "lastSeenAt" IN ('1970-01-01 00:00:00.000', '1970-01-01 00:00:00.001', '1970-01-01 00:00:59.999', '1970-01-01 00:01:00.000',
                       '9999-12-31 23:59:59.999', '2024-02-29 23:59:59.999')
UNION ALL
SELECT 'conversation', id, "updatedAt" FROM conversations
WHERE "updatedAt" >= '9999-12-30 00:00:00.000' OR "updatedAt" <= '1970-01-01 00:00:00.999' OR "updatedAt" = '2038-01-19 03:14:08.000'
ORDER BY kind, id;
