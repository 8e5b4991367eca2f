-- Ranks with ties, and quarters.
-- order: total
SELECT id, RANK() OVER (ORDER BY "messageCount" DESC) AS place, DENSE_RANK() OVER (ORDER BY "messageCount" DESC) AS depth,
       NTILE(4) OVER (ORDER BY "messageCount", id) AS quarter, CUME_DIST() OVER (ORDER BY "messageCount") AS share,
       PERCENT_RANK() OVER (ORDER BY "messageCount") AS percentile
FROM conversations ORDER BY id;
