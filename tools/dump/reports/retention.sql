-- Retention
-- How many of the visitors of one week came back in the weeks after it.
--
-- A cohort is the visitors first seen in one week, by its Monday in the time zone. Of each cohort, the columns have
-- the share in percent that was active in that week itself (week_0) and 1 to 12 calendar weeks later, whatever they
-- did in between. Active is who opened a conversation or wrote a message in that week. Conversations of nobody
-- known are left out.
--
-- The period chooses the cohorts; what they did later counts also after it. A week after the last one in which
-- anybody was seen is empty, not 0.
-- parameters: :org :since :until :tz
-- chart: cohort
WITH activity AS (
    SELECT c."visitorId" AS visitor, local_week(c."createdAt", :tz) AS week
    FROM conversations c
    WHERE c."visitorId" IS NOT NULL AND (:org IS NULL OR c."orgId" = :org)
      AND c."updatedAt" >= COALESCE(:since, '-infinity')
    UNION ALL
    SELECT c."visitorId", local_week(m.timestamp, :tz)
    FROM conversations c JOIN messages m ON m."conversationId" = c.id
    WHERE c."visitorId" IS NOT NULL AND (:org IS NULL OR c."orgId" = :org) AND m.role = 'user'
      -- only of conversations whose messages can tell more than their beginning did
      AND local_week(c."updatedAt", :tz) > local_week(c."createdAt", :tz)
      AND c."updatedAt" >= COALESCE(:since, '-infinity')
),
active AS (SELECT visitor, week FROM activity GROUP BY visitor, week),
returned AS (
    SELECT local_week(v."firstSeenAt", :tz) AS cohort,
           days_between(local_week(v."firstSeenAt", :tz), a.week) / 7 AS weeks_later, COUNT(*) AS visitors
    FROM active a CROSS JOIN visitors v -- in this order, says CROSS to SQLite
    WHERE v.id = a.visitor AND v."firstSeenAt" >= COALESCE(:since, '-infinity') AND v."firstSeenAt" < COALESCE(:until, 'infinity')
    GROUP BY 1, 2
),
cohorts AS (
    SELECT local_week(v."firstSeenAt", :tz) AS cohort, COUNT(*) AS visitors
    FROM visitors v
    WHERE (:org IS NULL OR v."orgId" = :org)
      AND v."firstSeenAt" >= COALESCE(:since, '-infinity') AND v."firstSeenAt" < COALESCE(:until, 'infinity')
    GROUP BY 1
),
newest AS (
    SELECT local_week(MAX(v."lastSeenAt"), :tz) AS week FROM visitors v WHERE (:org IS NULL OR v."orgId" = :org)
),
weeks AS (
    SELECT c.cohort, c.visitors, r.weeks_later, 100.0 * r.visitors / c.visitors AS rate,
           days_between(c.cohort, n.week) / 7 AS weeks_known
    FROM cohorts c CROSS JOIN newest n LEFT JOIN returned r ON r.cohort = c.cohort
)
SELECT cohort, visitors,
       CASE WHEN weeks_known >= 0 THEN ROUND(COALESCE(SUM(CASE WHEN weeks_later = 0 THEN rate END), 0), 1) END AS week_0,
       CASE WHEN weeks_known >= 1 THEN ROUND(COALESCE(SUM(CASE WHEN weeks_later = 1 THEN rate END), 0), 1) END AS week_1,
       CASE WHEN weeks_known >= 2 THEN ROUND(COALESCE(SUM(CASE WHEN weeks_later = 2 THEN rate END), 0), 1) END AS week_2,
       CASE WHEN weeks_known >= 3 THEN ROUND(COALESCE(SUM(CASE WHEN weeks_later = 3 THEN rate END), 0), 1) END AS week_3,
       CASE WHEN weeks_known >= 4 THEN ROUND(COALESCE(SUM(CASE WHEN weeks_later = 4 THEN rate END), 0), 1) END AS week_4,
       CASE WHEN weeks_known >= 5 THEN ROUND(COALESCE(SUM(CASE WHEN weeks_later = 5 THEN rate END), 0), 1) END AS week_5,
       CASE WHEN weeks_known >= 6 THEN ROUND(COALESCE(SUM(CASE WHEN weeks_later = 6 THEN rate END), 0), 1) END AS week_6,
       CASE WHEN weeks_known >= 7 THEN ROUND(COALESCE(SUM(CASE WHEN weeks_later = 7 THEN rate END), 0), 1) END AS week_7,
       CASE WHEN weeks_known >= 8 THEN ROUND(COALESCE(SUM(CASE WHEN weeks_later = 8 THEN rate END), 0), 1) END AS week_8,
       CASE WHEN weeks_known >= 9 THEN ROUND(COALESCE(SUM(CASE WHEN weeks_later = 9 THEN rate END), 0), 1) END AS week_9,
       CASE WHEN weeks_known >= 10 THEN ROUND(COALESCE(SUM(CASE WHEN weeks_later = 10 THEN rate END), 0), 1) END AS week_10,
       CASE WHEN weeks_known >= 11 THEN ROUND(COALESCE(SUM(CASE WHEN weeks_later = 11 THEN rate END), 0), 1) END AS week_11,
       CASE WHEN weeks_known >= 12 THEN ROUND(COALESCE(SUM(CASE WHEN weeks_later = 12 THEN rate END), 0), 1) END AS week_12
FROM weeks
GROUP BY cohort, visitors, weeks_known
ORDER BY cohort;
