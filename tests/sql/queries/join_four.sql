-- Four tables, the last one counted.
-- order: total
SELECT o.name AS org, v."visitorKey" AS visitor, c.id AS conversation, COUNT(m.id) AS messages, MIN(m."timestamp") AS first_at
FROM organizations o
JOIN visitors v ON v."orgId" = o.id
JOIN conversations c ON c."visitorId" = v.id
LEFT JOIN messages m ON m."conversationId" = c.id
GROUP BY o.name, v."visitorKey", c.id ORDER BY o.name, v."visitorKey", c.id;
