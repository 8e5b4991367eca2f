-- Visitors to whom somebody answered, and nothing of theirs is empty.
-- order: total
SELECT v.id AS visitor FROM visitors v
WHERE EXISTS (SELECT 1 FROM conversations c JOIN messages m ON m."conversationId" = c.id WHERE c."visitorId" = v.id AND m.role = 'assistant')
  AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c."visitorId" = v.id AND c."messageCount" = 0)
ORDER BY v.id;
