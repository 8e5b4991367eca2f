-- Conversation depth
-- How many messages the conversations opened in the period have.
--
-- Messages of both sides count, also those written after the period. Conversations of nobody known and empty ones
-- count too. Half of the conversations have the median or fewer, nine in ten have p90 or fewer.
-- parameters: :org :since :until :tz
--
-- section: Messages in a conversation
WITH sizes AS (
    SELECT c."messageCount" AS size, COUNT(*) AS conversations
    FROM conversations c
    WHERE (:org IS NULL OR c."orgId" = :org)
      AND c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity')
    GROUP BY c."messageCount"
),
ranks AS (
    SELECT size, conversations, SUM(conversations) OVER () AS everything,
           SUM(conversations) OVER (ORDER BY size) AS up_to
    FROM sizes
)
SELECT COALESCE(SUM(conversations), 0) AS conversations,
       COALESCE(SUM(CASE WHEN size = 0 THEN conversations END), 0) AS empty,
       COALESCE(SUM(size * conversations), 0) AS messages,
       ROUND(1.0 * SUM(size * conversations) / SUM(conversations), 2) AS mean,
       ROUND((MIN(CASE WHEN 2 * up_to >= everything THEN size END)
              + MIN(CASE WHEN 2 * up_to > everything THEN size END)) / 2.0, 1) AS median,
       MIN(CASE WHEN 10 * up_to >= 9 * everything THEN size END) AS p90,
       MAX(size) AS most
FROM ranks;

-- section: How many conversations have how many messages
-- chart: bar
WITH sizes AS (
    SELECT c."messageCount" AS size, COUNT(*) AS conversations
    FROM conversations c
    WHERE (:org IS NULL OR c."orgId" = :org)
      AND c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity')
    GROUP BY c."messageCount"
),
groups_of(n, least, most, label) AS (
    VALUES (1, 0, 0, '0'), (2, 1, 1, '1'), (3, 2, 2, '2'), (4, 3, 5, '3 to 5'), (5, 6, 10, '6 to 10'),
           (6, 11, 20, '11 to 20'), (7, 21, 50, '21 to 50'), (8, 51, 2147483647, 'more than 50')
)
SELECT g.label AS messages, COALESCE(SUM(s.conversations), 0) AS conversations,
       COALESCE(ROUND(100.0 * SUM(s.conversations) / NULLIF((SELECT SUM(conversations) FROM sizes), 0), 1), 0.0)
           AS share_percent
FROM groups_of g LEFT JOIN sizes s ON s.size BETWEEN g.least AND g.most
GROUP BY g.n, g.label
ORDER BY g.n;
