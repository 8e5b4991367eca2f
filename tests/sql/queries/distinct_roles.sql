-- DISTINCT in a join.
-- order: total
SELECT DISTINCT c."visitorId" AS visitor, m.role FROM conversations c JOIN messages m ON m."conversationId" = c.id
ORDER BY visitor NULLS FIRST, m.role;
