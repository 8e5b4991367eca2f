-- Conditions that no row can meet.
-- order: total
SELECT id FROM visitors WHERE id = 'c000000000000000000000001' AND id = 'czzzzzzzzzzzzzzzzzzzzzzzz'
UNION ALL SELECT id FROM visitors WHERE "lastSeenAt" > '2026-02-01 00:00:00.000' AND "lastSeenAt" < '2026-01-01 00:00:00.000'
UNION ALL SELECT id FROM visitors WHERE id > 'cz' AND id < 'ca'
UNION ALL SELECT id FROM visitors WHERE "visitorKey" = 'v_both' AND "visitorKey" = 'v_1'
UNION ALL SELECT id FROM conversations WHERE "visitorId" IS NULL AND "visitorId" = 'c000000000000000000000001'
UNION ALL SELECT id FROM messages WHERE "conversationId" = 'none' AND role = 'user';
