-- Every pair of a small and a filtered table.
-- order: total
SELECT o.key AS org, v."visitorKey" AS visitor FROM organizations o CROSS JOIN visitors v
WHERE v."visitorKey" IN ('v_both', 'v_1', 'v_-') ORDER BY o.key, v."visitorKey", v.id;
