-- Returning visitors
-- Who was seen again after the first time, the latest first.
--
-- Listed are the visitors whom the period saw last. Every request of a visitor counts as seen, also the second
-- message of a first visit; days tells how much time lies between the first and the last one, and on_later_day
-- whether there is a midnight of the time zone between them. How many of all visitors return is the report
-- return-rate. Whoever knows a visitor's key can read that visitor's conversations, so mind to whom you give this
-- list.
-- parameters: :org :since :until :tz
SELECT v."visitorKey" AS visitor,
       (SELECT o."key" FROM organizations o WHERE o.id = v."orgId") AS organization,
       local_time(v."firstSeenAt", :tz) AS first_seen,
       local_time(v."lastSeenAt", :tz) AS last_seen,
       ROUND(CAST(seconds_between(v."firstSeenAt", v."lastSeenAt") / 86400 AS numeric), 2) AS days,
       CASE WHEN local_day(v."lastSeenAt", :tz) > local_day(v."firstSeenAt", :tz) THEN 'yes' ELSE 'no' END
           AS on_later_day
FROM visitors v
WHERE v."lastSeenAt" > v."firstSeenAt"
  AND (:org IS NULL OR v."orgId" = :org)
  AND v."lastSeenAt" >= COALESCE(:since, '-infinity') AND v."lastSeenAt" < COALESCE(:until, 'infinity')
ORDER BY v."lastSeenAt" DESC, v.id DESC;
