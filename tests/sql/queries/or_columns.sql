-- OR across columns that have an index each.
-- order: total
SELECT id, "visitorKey" FROM visitors
WHERE id = 'c000000000000000000000001' OR "visitorKey" = 'v_both' OR "lastSeenAt" < '1970-01-02 00:00:00.000'
   OR ("orgId" = (SELECT id FROM organizations WHERE key = 'second') AND "visitorKey" IN ('v_1', 'v_-', 'v_none'))
ORDER BY id;
