-- Engagement
-- How much the visitors wrote: messages a visitor, mean, median and p90.
--
-- Counted are visitors who wrote at least one message in the period; for each of them the messages they wrote, the
-- messages they received from your side, greetings too, and the conversations in which they wrote, all within the
-- period. The mean is over these visitors; half of them have the median or less, nine in ten have p90 or less.
-- Conversations of nobody known are left out.
-- parameters: :org :since :until :tz
--
-- section: For each visitor who wrote
WITH talks AS (
    SELECT m."conversationId" AS conversation,
           COUNT(CASE WHEN m.role = 'user' THEN 1 END) AS written,
           COUNT(CASE WHEN m.role = 'assistant' THEN 1 END) AS answers
    FROM messages m
    WHERE (:org IS NULL OR m."orgId" = :org)
      AND m.timestamp >= COALESCE(:since, '-infinity') AND m.timestamp < COALESCE(:until, 'infinity')
    GROUP BY m."conversationId"
),
each_visitor AS (
    SELECT SUM(t.written) AS written, SUM(t.answers) AS answers, COUNT(CASE WHEN t.written > 0 THEN 1 END) AS talks
    FROM talks t CROSS JOIN conversations c -- in this order, says CROSS to SQLite
    WHERE c.id = t.conversation AND c."visitorId" IS NOT NULL
    GROUP BY c."visitorId"
    HAVING SUM(t.written) > 0
),
measures(n, for_each_visitor) AS (
    VALUES (1, 'messages written'), (2, 'messages received'), (3, 'conversations written in')
),
sizes AS (
    SELECT m.n, CASE m.n WHEN 1 THEN v.written WHEN 2 THEN v.answers ELSE v.talks END AS size, COUNT(*) AS visitors
    FROM each_visitor v CROSS JOIN measures m
    GROUP BY 1, 2
),
ranks AS (
    SELECT n, size, visitors, SUM(visitors) OVER (PARTITION BY n) AS everybody,
           SUM(visitors) OVER (PARTITION BY n ORDER BY size) AS up_to
    FROM sizes
)
SELECT m.for_each_visitor, COALESCE(SUM(r.visitors), 0) AS visitors, COALESCE(SUM(r.size * r.visitors), 0) AS total,
       ROUND(1.0 * SUM(r.size * r.visitors) / SUM(r.visitors), 2) AS mean,
       ROUND((MIN(CASE WHEN 2 * r.up_to >= r.everybody THEN r.size END)
              + MIN(CASE WHEN 2 * r.up_to > r.everybody THEN r.size END)) / 2.0, 1) AS median,
       MIN(CASE WHEN 10 * r.up_to >= 9 * r.everybody THEN r.size END) AS p90,
       MAX(r.size) AS most
FROM measures m LEFT JOIN ranks r ON r.n = m.n
GROUP BY m.n, m.for_each_visitor
ORDER BY m.n;

-- section: How many visitors wrote how many messages
-- chart: bar
WITH talks AS (
    SELECT m."conversationId" AS conversation, COUNT(*) AS written
    FROM messages m
    WHERE m.role = 'user' AND (:org IS NULL OR m."orgId" = :org)
      AND m.timestamp >= COALESCE(:since, '-infinity') AND m.timestamp < COALESCE(:until, 'infinity')
    GROUP BY m."conversationId"
),
each_visitor AS (
    SELECT SUM(t.written) AS written
    FROM talks t CROSS JOIN conversations c -- in this order, says CROSS to SQLite
    WHERE c.id = t.conversation AND c."visitorId" IS NOT NULL
    GROUP BY c."visitorId"
),
sizes AS (SELECT written, COUNT(*) AS visitors FROM each_visitor GROUP BY written),
groups_of(n, least, most, label) AS (
    VALUES (1, 1, 1, '1'), (2, 2, 2, '2'), (3, 3, 5, '3 to 5'), (4, 6, 10, '6 to 10'), (5, 11, 20, '11 to 20'),
           (6, 21, 50, '21 to 50'), (7, 51, 2147483647, 'more than 50')
)
SELECT g.label AS messages, COALESCE(SUM(s.visitors), 0) AS visitors,
       COALESCE(ROUND(100.0 * SUM(s.visitors) / NULLIF((SELECT SUM(visitors) FROM sizes), 0), 1), 0.0) AS share_percent
FROM groups_of g LEFT JOIN sizes s ON s.written BETWEEN g.least AND g.most
GROUP BY g.n, g.label
ORDER BY g.n;
