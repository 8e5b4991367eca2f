-- Overview
-- All key figures of the period on one page.
--
-- Known are the visitors first seen before the period's end, new those first seen in it; active is who opened a
-- conversation or wrote a message in it. Back on a later day are those of the new ones who were seen again, at any
-- time until now, behind a midnight of the time zone.
--
-- Conversations are those opened in the period, also of nobody known, with all their messages until now. An answer
-- is a message of your side that is not older than the visitor's first message, so a greeting is none; the time to
-- the first answer is counted from that first message, to the second. Never answered: the visitor wrote, and no
-- answer came. Never read on: after the last answer the visitor neither wrote nor was seen again (of nobody known
-- this cannot be told, and they are left out of it). Half of the conversations have the median or less.
--
-- Messages are those written in the period, in whatever conversation.
-- parameters: :org :since :until :tz
WITH people AS (
    SELECT COUNT(*) AS known,
           COUNT(CASE WHEN v."firstSeenAt" >= COALESCE(:since, '-infinity') THEN 1 END) AS new_ones,
           COUNT(CASE WHEN v."firstSeenAt" >= COALESCE(:since, '-infinity')
                           AND local_day(v."lastSeenAt", :tz) > local_day(v."firstSeenAt", :tz) THEN 1 END) AS back,
           COUNT(CASE WHEN v."lastSeenAt" >= COALESCE(:since, '-infinity')
                           AND (EXISTS (SELECT 1 FROM conversations c
                                        WHERE c."visitorId" = v.id
                                          AND c."createdAt" >= COALESCE(:since, '-infinity')
                                          AND c."createdAt" < COALESCE(:until, 'infinity'))
                                OR EXISTS (SELECT 1 FROM conversations c JOIN messages m ON m."conversationId" = c.id
                                           WHERE c."visitorId" = v.id AND c."createdAt" < :since
                                             AND c."updatedAt" >= :since AND m.role = 'user'
                                             AND m.timestamp >= :since
                                             AND m.timestamp < COALESCE(:until, 'infinity'))) THEN 1 END) AS active
    FROM visitors v
    WHERE (:org IS NULL OR v."orgId" = :org) AND v."firstSeenAt" < COALESCE(:until, 'infinity')
),
depths AS (
    SELECT c."messageCount" AS depth, COUNT(*) AS conversations, COUNT(c."visitorId") AS of_visitors
    FROM conversations c
    WHERE (:org IS NULL OR c."orgId" = :org)
      AND c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity')
    GROUP BY c."messageCount"
),
depth_ranks AS (
    SELECT depth, conversations, of_visitors, SUM(conversations) OVER () AS everything,
           SUM(conversations) OVER (ORDER BY depth) AS up_to
    FROM depths
),
opened AS (
    SELECT COALESCE(SUM(conversations), 0) AS conversations,
           COALESCE(SUM(conversations - of_visitors), 0) AS of_nobody,
           1.0 * SUM(depth * conversations) / SUM(conversations) AS mean,
           (MIN(CASE WHEN 2 * up_to >= everything THEN depth END)
            + MIN(CASE WHEN 2 * up_to > everything THEN depth END)) / 2.0 AS median
    FROM depth_ranks
),
talks AS NOT MATERIALIZED (
    SELECT m."conversationId" AS conversation,
           MIN(CASE WHEN m.role = 'user' THEN m.timestamp END) AS first_question,
           MAX(CASE WHEN m.role = 'user' THEN m.timestamp END) AS last_question,
           MIN(CASE WHEN m.role = 'assistant' THEN m.timestamp END) AS first_answer,
           MAX(CASE WHEN m.role = 'assistant' THEN m.timestamp END) AS last_answer,
           COUNT(CASE WHEN m.role = 'user' AND (:since IS NULL OR m.timestamp >= :since)
                           AND (:until IS NULL OR m.timestamp < :until) THEN 1 END) AS questions,
           COUNT(CASE WHEN m.role = 'assistant' AND (:since IS NULL OR m.timestamp >= :since)
                           AND (:until IS NULL OR m.timestamp < :until) THEN 1 END) AS answers
    FROM messages m
    WHERE (:org IS NULL OR m."orgId" = :org)
    GROUP BY m."conversationId"
),
    -- only small numbers, since they are sorted; LIMIT keeps the planners from mixing this step with the next one
facts AS NOT MATERIALIZED (
    SELECT t.questions, t.answers, CASE WHEN c."visitorId" IS NOT NULL THEN t.questions ELSE 0 END AS of_visitor,
           CASE WHEN c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity')
                THEN CASE WHEN t.last_answer >= t.first_question THEN 2 WHEN t.first_question IS NOT NULL THEN 1 END
           END AS got_to, -- 1: the visitor wrote, 2: answered; NULL when it does not count
           CASE WHEN t.last_answer >= t.first_question AND t.last_question <= t.last_answer
                     AND (SELECT v."lastSeenAt" FROM visitors v WHERE v.id = c."visitorId") <= t.last_answer
                THEN 1 ELSE 0 END AS is_unread,
           CASE WHEN t.first_answer >= t.first_question THEN seconds_between(t.first_question, t.first_answer)
                WHEN t.last_answer >= t.first_question -- it began with a greeting
                THEN (SELECT MIN(seconds_between(t.first_question, m.timestamp)) FROM messages m
                      WHERE m."conversationId" = t.conversation AND m.role = 'assistant'
                        AND m.timestamp >= t.first_question) END AS seconds
    FROM talks t CROSS JOIN conversations c -- in this order, says CROSS to SQLite
    WHERE c.id = t.conversation
    LIMIT 9223372036854775807
),
    -- conversations that waited as many seconds for the first answer, or for ever
waits AS (
    SELECT CASE WHEN got_to = 2 THEN ROUND(CAST(seconds AS numeric), 0) END AS seconds,
           SUM(questions) AS questions, SUM(of_visitor) AS questions_of_visitors, SUM(answers) AS answers,
           COUNT(got_to) AS wrote, COUNT(CASE WHEN got_to = 2 THEN 1 END) AS answered,
           COUNT(CASE WHEN got_to = 2 AND is_unread = 1 THEN 1 END) AS never_read_on
    FROM facts
    GROUP BY 1
),
wait_ranks AS (
    SELECT seconds, answered, SUM(answered) OVER () AS everything, SUM(answered) OVER (ORDER BY seconds) AS up_to
    FROM waits
    WHERE seconds IS NOT NULL
),
wait AS (
    SELECT 1.0 * SUM(seconds * answered) / SUM(answered) / 60 AS mean,
           (MIN(CASE WHEN 2 * up_to >= everything THEN seconds END)
            + MIN(CASE WHEN 2 * up_to > everything THEN seconds END)) / 120.0 AS median,
           MIN(CASE WHEN 10 * up_to >= 9 * everything THEN seconds END) / 60.0 AS p90
    FROM wait_ranks
),
written AS (
    SELECT COALESCE(SUM(questions), 0) AS questions, COALESCE(SUM(questions_of_visitors), 0) AS questions_of_visitors,
           COALESCE(SUM(answers), 0) AS answers, COALESCE(SUM(wrote), 0) AS wrote,
           COALESCE(SUM(answered), 0) AS answered, COALESCE(SUM(never_read_on), 0) AS never_read_on
    FROM waits
),
figures(n, about, figure, unit) AS (
    VALUES (1, 'visitors', 'known', 'visitors'),
           (2, 'visitors', 'new', 'visitors'),
           (3, 'visitors', 'new ones back on a later day', 'visitors'),
           (4, 'visitors', 'new ones back on a later day, share', '%'),
           (5, 'visitors', 'active', 'visitors'),
           (6, 'visitors', 'messages of an active visitor, mean', 'messages'),
           (7, 'conversations', 'opened', 'conversations'),
           (8, 'conversations', 'of nobody known', 'conversations'),
           (9, 'conversations', 'the visitor wrote', 'conversations'),
           (10, 'conversations', 'answered', 'conversations'),
           (11, 'conversations', 'answered, of those in which the visitor wrote', '%'),
           (12, 'conversations', 'never answered', 'conversations'),
           (13, 'conversations', 'answered but never read on', 'conversations'),
           (14, 'conversations', 'messages in a conversation, mean', 'messages'),
           (15, 'conversations', 'messages in a conversation, median', 'messages'),
           (16, 'answers', 'time to the first answer, median', 'minutes'),
           (17, 'answers', 'time to the first answer, mean', 'minutes'),
           (18, 'answers', 'time to the first answer, nine in ten within', 'minutes'),
           (19, 'messages', 'written by visitors', 'messages'),
           (20, 'messages', 'written as answers', 'messages')
)
SELECT f.about, f.figure,
       CASE f.n
           WHEN 1 THEN p.known
           WHEN 2 THEN p.new_ones
           WHEN 3 THEN p.back
           WHEN 4 THEN ROUND(100.0 * p.back / NULLIF(p.new_ones, 0), 1)
           WHEN 5 THEN p.active
           WHEN 6 THEN ROUND(1.0 * w.questions_of_visitors / NULLIF(p.active, 0), 1)
           WHEN 7 THEN o.conversations
           WHEN 8 THEN o.of_nobody
           WHEN 9 THEN w.wrote
           WHEN 10 THEN w.answered
           WHEN 11 THEN ROUND(100.0 * w.answered / NULLIF(w.wrote, 0), 1)
           WHEN 12 THEN w.wrote - w.answered
           WHEN 13 THEN w.never_read_on
           WHEN 14 THEN ROUND(o.mean, 1)
           WHEN 15 THEN ROUND(o.median, 1)
           WHEN 16 THEN ROUND(t.median, 1)
           WHEN 17 THEN ROUND(t.mean, 1)
           WHEN 18 THEN ROUND(t.p90, 1)
           WHEN 19 THEN w.questions
           ELSE w.answers
       END AS value,
       f.unit
FROM people p CROSS JOIN opened o CROSS JOIN wait t CROSS JOIN written w CROSS JOIN figures f
ORDER BY f.n;
