-- Conversations per visitor
-- How many conversations each visitor opened in the period.
--
-- Counted are the visitors first seen before the period's end, also those who opened none in it. Conversations of
-- nobody known are left out. Whoever knows a visitor's key can read that visitor's conversations, so mind to whom
-- you give this list.
-- parameters: :org :since :until :tz
--
-- section: How many visitors opened how many
-- chart: bar
WITH counts AS (
    SELECT v.id, COUNT(c.id) AS conversations
    FROM visitors v
    LEFT JOIN conversations c ON c."visitorId" = v.id
        AND c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity')
    WHERE (:org IS NULL OR v."orgId" = :org) AND v."firstSeenAt" < COALESCE(:until, 'infinity')
    GROUP BY v.id
),
sizes AS (SELECT conversations, COUNT(*) AS visitors FROM counts GROUP BY conversations),
groups_of(n, least, most, label) AS (
    VALUES (1, 0, 0, '0'), (2, 1, 1, '1'), (3, 2, 2, '2'), (4, 3, 3, '3'), (5, 4, 5, '4 to 5'), (6, 6, 10, '6 to 10'),
           (7, 11, 20, '11 to 20'), (8, 21, 2147483647, 'more than 20')
)
SELECT g.label AS conversations, COALESCE(SUM(s.visitors), 0) AS visitors,
       COALESCE(ROUND(100.0 * SUM(s.visitors) / NULLIF((SELECT SUM(visitors) FROM sizes), 0), 1), 0.0) AS share_percent
FROM groups_of g LEFT JOIN sizes s ON s.conversations BETWEEN g.least AND g.most
GROUP BY g.n, g.label
ORDER BY g.n;

-- section: Each visitor, the most conversations first
SELECT MIN(v."visitorKey") AS visitor,
       MIN((SELECT o."key" FROM organizations o WHERE o.id = v."orgId")) AS organization,
       COUNT(c.id) AS conversations,
       local_time(MIN(v."firstSeenAt"), :tz) AS first_seen,
       local_time(MIN(v."lastSeenAt"), :tz) AS last_seen
FROM visitors v
LEFT JOIN conversations c ON c."visitorId" = v.id
    AND c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity')
WHERE (:org IS NULL OR v."orgId" = :org) AND v."firstSeenAt" < COALESCE(:until, 'infinity')
GROUP BY v.id
ORDER BY COUNT(c.id) DESC, MIN(v."lastSeenAt") DESC, v.id DESC;
