-- An aggregate over no rows is one row; with groups it is none.
-- order: total
SELECT COUNT(*) AS n, MAX("lastSeenAt") AS last_at, SUM(LENGTH("visitorKey")) AS letters FROM visitors WHERE "visitorKey" = 'v_nobody'
UNION ALL
SELECT COUNT(*), MAX("lastSeenAt"), SUM(LENGTH("visitorKey")) FROM visitors WHERE "visitorKey" = 'v_nobody' GROUP BY "orgId";
