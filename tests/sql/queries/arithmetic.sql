-- Whole numbers and numbers with a fraction.
-- order: total
SELECT id, "messageCount" * 7 / 3 AS whole, "messageCount" / 3.0 AS part, "messageCount" % 4 AS rest, -"messageCount" AS negative,
       ABS(3 - "messageCount") AS distance, CAST("messageCount" AS text) || '!' AS told
FROM conversations ORDER BY id;
