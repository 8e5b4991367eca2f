-- Conversations of nobody stay.
-- order: total
SELECT v."visitorKey" AS visitor, c.id AS conversation
FROM visitors v RIGHT JOIN conversations c ON c."visitorId" = v.id
ORDER BY c.id;
