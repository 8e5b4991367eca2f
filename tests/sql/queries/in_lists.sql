-- IN lists on key columns, with doubles, with what there is not, with NULL.
-- order: total
SELECT 'visitor' AS kind, id FROM visitors
WHERE id IN ('c000000000000000000000001', 'czzzzzzzzzzzzzzzzzzzzzzzz', 'c000000000000000000000001', 'nonsense', '', NULL)
UNION ALL
SELECT 'key', id FROM visitors WHERE "visitorKey" IN ('v_both', 'v_BOTH', 'v_both', 'v_nobody', NULL)
UNION ALL
SELECT 'org', v.id FROM visitors v JOIN organizations o ON o.id = v."orgId" WHERE o.key IN ('second', 'nobody-there', 'nowhere')
ORDER BY kind, id;
