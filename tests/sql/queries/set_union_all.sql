-- UNION ALL keeps it.
-- order: total
SELECT 'visitor' AS kind, id, "orgId" AS org FROM visitors
UNION ALL SELECT 'conversation', id, "orgId" FROM conversations
UNION ALL SELECT 'message', id, "orgId" FROM messages WHERE role = 'assistant' ORDER BY kind, id;
