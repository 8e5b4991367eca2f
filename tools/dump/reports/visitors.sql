-- Visitors
-- Everybody who was last seen in the period, the latest first.
--
-- A visitor is one visitor key of one organisation: one browser, so that somebody with a telephone and a computer
-- is two. "Seen" is every request with the key: opening a conversation, writing, reading. Whoever knows a visitor's
-- key can read that visitor's conversations, so mind to whom you give this list.
-- parameters: :org :since :until :tz
SELECT v."visitorKey" AS visitor,
       (SELECT o."key" FROM organizations o WHERE o.id = v."orgId") AS organization,
       local_time(v."firstSeenAt", :tz) AS first_seen,
       local_time(v."lastSeenAt", :tz) AS last_seen,
       v."userAgent" AS user_agent
FROM visitors v
WHERE (:org IS NULL OR v."orgId" = :org)
  AND v."lastSeenAt" >= COALESCE(:since, '-infinity') AND v."lastSeenAt" < COALESCE(:until, 'infinity')
ORDER BY v."lastSeenAt" DESC, v.id DESC;
