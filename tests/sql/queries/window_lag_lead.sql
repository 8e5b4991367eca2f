-- What came before and after in each conversation.
-- order: total
SELECT id, LAG(role) OVER w AS before, LEAD(role, 2, 'none') OVER w AS after_next, FIRST_VALUE("timestamp") OVER w AS began
FROM messages WINDOW w AS (PARTITION BY "conversationId" ORDER BY "timestamp", id) ORDER BY id;
