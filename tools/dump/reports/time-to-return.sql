-- Time to return
-- How long visitors stay away between two conversations.
--
-- Measured is the time from opening one conversation to opening the next one of the same visitor, for each
-- conversation opened in the period that is not its visitor's first. The one before may lie before the period. Half
-- of the returns come after the median or sooner, nine in ten after p90 or sooner. Conversations of nobody known
-- are left out.
-- parameters: :org :since :until :tz
--
-- section: From one conversation to the next
WITH opened AS (
    SELECT c."createdAt" AS opened_at,
           LAG(c."createdAt") OVER (PARTITION BY c."visitorId" ORDER BY c."createdAt", c.id) AS previous_at
    FROM conversations c
    WHERE c."visitorId" IS NOT NULL AND (:org IS NULL OR c."orgId" = :org)
),
returns AS (
    SELECT seconds_between(previous_at, opened_at) AS seconds
    FROM opened
    WHERE previous_at IS NOT NULL
      AND opened_at >= COALESCE(:since, '-infinity') AND opened_at < COALESCE(:until, 'infinity')
),
ranks AS (
    SELECT seconds, ROW_NUMBER() OVER (ORDER BY seconds) AS place, COUNT(*) OVER () AS everything FROM returns
)
SELECT COUNT(*) AS returns,
       ROUND(CAST(AVG(seconds) / 3600 AS numeric), 1) AS mean_hours,
       ROUND(CAST(AVG(CASE WHEN place IN ((everything + 1) / 2, (everything + 2) / 2) THEN seconds END) / 3600
                  AS numeric), 1) AS median_hours,
       ROUND(CAST(MAX(CASE WHEN place = (9 * everything + 9) / 10 THEN seconds END) / 3600 AS numeric), 1) AS p90_hours
FROM ranks;

-- section: How many returned after how long
-- chart: bar
WITH opened AS (
    SELECT c."createdAt" AS opened_at,
           LAG(c."createdAt") OVER (PARTITION BY c."visitorId" ORDER BY c."createdAt", c.id) AS previous_at
    FROM conversations c
    WHERE c."visitorId" IS NOT NULL AND (:org IS NULL OR c."orgId" = :org)
),
returns AS (
    SELECT seconds_between(previous_at, opened_at) AS seconds
    FROM opened
    WHERE previous_at IS NOT NULL
      AND opened_at >= COALESCE(:since, '-infinity') AND opened_at < COALESCE(:until, 'infinity')
),
sizes AS (
    SELECT CASE WHEN seconds < 3600 THEN 1 WHEN seconds < 86400 THEN 2 WHEN seconds < 604800 THEN 3
                WHEN seconds < 2592000 THEN 4 WHEN seconds < 7776000 THEN 5 ELSE 6 END AS n,
           COUNT(*) AS returns
    FROM returns
    GROUP BY 1
),
groups_of(n, label) AS (
    VALUES (1, 'less than an hour'), (2, '1 to 24 hours'), (3, '1 to 7 days'), (4, '7 to 30 days'),
           (5, '30 to 90 days'), (6, '90 days or more')
)
SELECT g.label AS returned_after, COALESCE(s.returns, 0) AS returns,
       COALESCE(ROUND(100.0 * s.returns / NULLIF((SELECT SUM(returns) FROM sizes), 0), 1), 0.0) AS share_percent
FROM groups_of g LEFT JOIN sizes s ON s.n = g.n
ORDER BY g.n;
