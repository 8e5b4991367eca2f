-- History of a visitor
-- All conversations of one visitor, the latest first.
--
-- Shown are those opened in the period, with how many messages each has from the visitor and from your side
-- (answers), the first and the last one, and when they were written. The visitor is named by the visitor key;
-- without an organisation, the visitors of all organisations with that key are shown.
-- parameters: :org :visitor (required) :since :until :tz
--
-- section: The visitor
SELECT v."visitorKey" AS visitor, o."key" AS organization,
       local_time(v."firstSeenAt", :tz) AS first_seen,
       local_time(v."lastSeenAt", :tz) AS last_seen,
       (SELECT COUNT(*) FROM conversations c
        WHERE c."visitorId" = v.id
          AND c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity'))
           AS conversations,
       v."userAgent" AS user_agent
FROM visitors v JOIN organizations o ON o.id = v."orgId"
WHERE v."visitorKey" = :visitor AND (:org IS NULL OR v."orgId" = :org)
ORDER BY o."key";

-- section: The conversations
WITH mine AS (
    SELECT c.id, v."orgId" AS org, c."createdAt" AS opened_at
    FROM visitors v JOIN conversations c ON c."visitorId" = v.id
    WHERE v."visitorKey" = :visitor AND (:org IS NULL OR v."orgId" = :org)
      AND c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity')
),
lines AS (
    SELECT m."conversationId" AS conversation, m.role, m.content, m.timestamp AS written_at,
           ROW_NUMBER() OVER (PARTITION BY m."conversationId" ORDER BY m.timestamp, m.id) AS place,
           COUNT(*) OVER (PARTITION BY m."conversationId") AS total
    FROM mine JOIN messages m ON m."conversationId" = mine.id
)
SELECT mine.id AS conversation, (SELECT o."key" FROM organizations o WHERE o.id = mine.org) AS organization,
       local_time(mine.opened_at, :tz) AS opened,
       COUNT(l.role) AS messages,
       COUNT(CASE WHEN l.role = 'user' THEN 1 END) AS by_visitor,
       COUNT(CASE WHEN l.role = 'assistant' THEN 1 END) AS answers,
       local_time(MIN(l.written_at), :tz) AS first_at,
       MAX(CASE WHEN l.place = 1 THEN l.content END) AS first_message,
       local_time(MAX(l.written_at), :tz) AS last_at,
       MAX(CASE WHEN l.place = l.total THEN l.content END) AS last_message
FROM mine LEFT JOIN lines l ON l.conversation = mine.id
GROUP BY mine.id, mine.org, mine.opened_at
ORDER BY mine.opened_at DESC, mine.id DESC;
