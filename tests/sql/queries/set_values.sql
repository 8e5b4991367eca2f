-- Row values against a list of rows.
-- order: total
SELECT v.id, v."visitorKey" FROM visitors v JOIN organizations o ON o.id = v."orgId"
WHERE (o.key, v."visitorKey") IN (VALUES ('first', 'v_both'), ('second', 'v_BOTH'), ('first', 'v_nobody'), ('nobody-there', 'v_1'))
ORDER BY v.id;
