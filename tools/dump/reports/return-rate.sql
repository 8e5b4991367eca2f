-- Return rate
-- How many of the visitors first seen in the period came back.
--
-- They count whenever they came back, also after the period. "Seen again" is every request after the first one, so
-- also the second message of a first visit; "on a later day" wants a midnight of the time zone between the first
-- and the last time they were seen; "a second conversation" wants two conversations or more.
-- parameters: :org :since :until :tz
--
-- section: How many came back
-- chart: bar
WITH each_visitor AS (
    SELECT v.id, MIN(v."firstSeenAt") AS first_seen, MIN(v."lastSeenAt") AS last_seen, COUNT(c.id) AS conversations
    FROM visitors v LEFT JOIN conversations c ON c."visitorId" = v.id
    WHERE (:org IS NULL OR v."orgId" = :org)
      AND v."firstSeenAt" >= COALESCE(:since, '-infinity') AND v."firstSeenAt" < COALESCE(:until, 'infinity')
    GROUP BY v.id
),
totals AS (
    SELECT COUNT(*) AS everybody,
           COUNT(CASE WHEN last_seen > first_seen THEN 1 END) AS seen_again,
           COUNT(CASE WHEN local_day(last_seen, :tz) > local_day(first_seen, :tz) THEN 1 END) AS on_later_day,
           COUNT(CASE WHEN conversations > 1 THEN 1 END) AS second_conversation
    FROM each_visitor
),
steps(n, visitors_who) AS (
    VALUES (1, 'were first seen in the period'), (2, 'were seen again'), (3, 'were seen again on a later day'),
           (4, 'opened a second conversation')
),
lines AS (
    SELECT n, visitors_who, everybody,
           CASE n WHEN 1 THEN everybody WHEN 2 THEN seen_again WHEN 3 THEN on_later_day ELSE second_conversation END
               AS visitors
    FROM totals CROSS JOIN steps
)
SELECT visitors_who, visitors, COALESCE(ROUND(100.0 * visitors / NULLIF(everybody, 0), 1), 0.0) AS rate_percent
FROM lines
ORDER BY n;

-- section: Back on a later day, by the month in which they were first seen
-- chart: line
SELECT local_month(v."firstSeenAt", :tz) AS month, COUNT(*) AS visitors,
       COUNT(CASE WHEN local_day(v."lastSeenAt", :tz) > local_day(v."firstSeenAt", :tz) THEN 1 END) AS came_back,
       ROUND(100.0 * COUNT(CASE WHEN local_day(v."lastSeenAt", :tz) > local_day(v."firstSeenAt", :tz) THEN 1 END)
             / COUNT(*), 1) AS rate_percent
FROM visitors v
WHERE (:org IS NULL OR v."orgId" = :org)
  AND v."firstSeenAt" >= COALESCE(:since, '-infinity') AND v."firstSeenAt" < COALESCE(:until, 'infinity')
GROUP BY local_month(v."firstSeenAt", :tz)
ORDER BY local_month(v."firstSeenAt", :tz);
