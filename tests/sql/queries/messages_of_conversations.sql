-- Messages by a list of conversations, and by organisation and role.
-- order: total
SELECT m.id, m.role FROM messages m
WHERE m."conversationId" IN (SELECT id FROM conversations WHERE "messageCount" > 12)
   OR (m."orgId" = (SELECT id FROM organizations WHERE key = 'second') AND m.role = 'assistant' AND m."timestamp" < '2026-01-20 00:00:00.000')
ORDER BY m.id;
