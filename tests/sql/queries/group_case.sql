-- Groups by an expression.
-- order: total
SELECT CASE WHEN "messageCount" = 0 THEN 'none' WHEN "messageCount" < 3 THEN 'few' ELSE 'many' END AS depth,
       COUNT(*) AS conversations, SUM("messageCount") AS messages
FROM conversations
GROUP BY CASE WHEN "messageCount" = 0 THEN 'none' WHEN "messageCount" < 3 THEN 'few' ELSE 'many' END
ORDER BY depth;
