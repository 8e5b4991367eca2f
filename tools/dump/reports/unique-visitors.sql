-- Unique visitors
-- How many visitors were active on each day, in each week and in each month.
--
-- Active is who opened a conversation or wrote a message then; reading alone leaves no trace of when. A visitor
-- counts once in each line, so the days of a week do not add up to the week: each section counts anew. Days, weeks
-- (named by their Monday) and months are those of the time zone; one without anybody has no line.
--
-- Of the visitors, new are those who were first seen in that same day, week or month, and returning are all others.
-- Conversations of nobody known are left out.
-- parameters: :org :since :until :tz
--
-- section: By day
-- chart: line
WITH activity AS (
    SELECT c."visitorId" AS visitor, local_day(c."createdAt", :tz) AS day
    FROM conversations c
    WHERE c."visitorId" IS NOT NULL AND (:org IS NULL OR c."orgId" = :org)
      AND c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity')
    UNION ALL
    SELECT c."visitorId", local_day(m.timestamp, :tz)
    FROM conversations c JOIN messages m ON m."conversationId" = c.id
    WHERE c."visitorId" IS NOT NULL AND (:org IS NULL OR c."orgId" = :org) AND m.role = 'user'
      AND m.timestamp >= COALESCE(:since, '-infinity') AND m.timestamp < COALESCE(:until, 'infinity')
      -- only of conversations whose messages can tell more than their beginning did
      AND (local_day(c."updatedAt", :tz) > local_day(c."createdAt", :tz) OR c."createdAt" < :since)
      AND c."updatedAt" >= COALESCE(:since, '-infinity')
),
active AS (SELECT visitor, day FROM activity GROUP BY visitor, day)
SELECT a.day, COUNT(*) AS visitors,
       COUNT(CASE WHEN local_day(v."firstSeenAt", :tz) = a.day THEN 1 END) AS new_visitors,
       COUNT(CASE WHEN local_day(v."firstSeenAt", :tz) <> a.day THEN 1 END) AS returning_visitors
FROM active a CROSS JOIN visitors v -- in this order, says CROSS to SQLite
WHERE v.id = a.visitor
GROUP BY a.day
ORDER BY a.day;

-- section: By week
-- chart: line
WITH activity AS (
    SELECT c."visitorId" AS visitor, local_week(c."createdAt", :tz) AS week
    FROM conversations c
    WHERE c."visitorId" IS NOT NULL AND (:org IS NULL OR c."orgId" = :org)
      AND c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity')
    UNION ALL
    SELECT c."visitorId", local_week(m.timestamp, :tz)
    FROM conversations c JOIN messages m ON m."conversationId" = c.id
    WHERE c."visitorId" IS NOT NULL AND (:org IS NULL OR c."orgId" = :org) AND m.role = 'user'
      AND m.timestamp >= COALESCE(:since, '-infinity') AND m.timestamp < COALESCE(:until, 'infinity')
      -- only of conversations whose messages can tell more than their beginning did
      AND (local_week(c."updatedAt", :tz) > local_week(c."createdAt", :tz) OR c."createdAt" < :since)
      AND c."updatedAt" >= COALESCE(:since, '-infinity')
),
active AS (SELECT visitor, week FROM activity GROUP BY visitor, week)
SELECT a.week, COUNT(*) AS visitors,
       COUNT(CASE WHEN local_week(v."firstSeenAt", :tz) = a.week THEN 1 END) AS new_visitors,
       COUNT(CASE WHEN local_week(v."firstSeenAt", :tz) <> a.week THEN 1 END) AS returning_visitors
FROM active a CROSS JOIN visitors v -- in this order, says CROSS to SQLite
WHERE v.id = a.visitor
GROUP BY a.week
ORDER BY a.week;

-- section: By month
-- chart: line
WITH activity AS (
    SELECT c."visitorId" AS visitor, local_month(c."createdAt", :tz) AS month
    FROM conversations c
    WHERE c."visitorId" IS NOT NULL AND (:org IS NULL OR c."orgId" = :org)
      AND c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity')
    UNION ALL
    SELECT c."visitorId", local_month(m.timestamp, :tz)
    FROM conversations c JOIN messages m ON m."conversationId" = c.id
    WHERE c."visitorId" IS NOT NULL AND (:org IS NULL OR c."orgId" = :org) AND m.role = 'user'
      AND m.timestamp >= COALESCE(:since, '-infinity') AND m.timestamp < COALESCE(:until, 'infinity')
      -- only of conversations whose messages can tell more than their beginning did
      AND (local_month(c."updatedAt", :tz) > local_month(c."createdAt", :tz) OR c."createdAt" < :since)
      AND c."updatedAt" >= COALESCE(:since, '-infinity')
),
active AS (SELECT visitor, month FROM activity GROUP BY visitor, month)
SELECT a.month, COUNT(*) AS visitors,
       COUNT(CASE WHEN local_month(v."firstSeenAt", :tz) = a.month THEN 1 END) AS new_visitors,
       COUNT(CASE WHEN local_month(v."firstSeenAt", :tz) <> a.month THEN 1 END) AS returning_visitors
FROM active a CROSS JOIN visitors v -- in this order, says CROSS to SQLite
WHERE v.id = a.visitor
GROUP BY a.month
ORDER BY a.month;
