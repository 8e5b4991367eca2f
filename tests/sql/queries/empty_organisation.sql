-- An organisation that has nothing.
-- order: total
SELECT o.key AS org, COUNT(DISTINCT v.id) AS visitors, COUNT(DISTINCT c.id) AS conversations
FROM organizations o LEFT JOIN visitors v ON v."orgId" = o.id LEFT JOIN conversations c ON c."orgId" = o.id
GROUP BY o.key ORDER BY o.key;
