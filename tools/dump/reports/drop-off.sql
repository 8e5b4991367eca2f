-- Drop-off
-- How far the conversations opened in the period get, and where they are lost.
--
-- Conversations of nobody known count too, and so does what was written after the period. An answer is a message of
-- your side that is not older than the visitor's first message, so a greeting is none; a reply is a message of the
-- visitor after the first answer.
--
-- There are two ways to lose a visitor who wrote. Never answered: no answer ever came. Answered but never read on:
-- after the last answer the visitor neither wrote nor was seen again. Being seen is any later request with the
-- visitor's key, in this conversation or elsewhere; of nobody known it cannot be told, and they are left out of
-- this line.
-- parameters: :org :since :until :tz
--
-- section: How far they get
-- chart: bar
WITH talks AS (
    SELECT m."conversationId" AS conversation,
           MIN(CASE WHEN m.role = 'user' THEN m.timestamp END) AS first_question,
           MAX(CASE WHEN m.role = 'user' THEN m.timestamp END) AS last_question,
           MIN(CASE WHEN m.role = 'assistant' THEN m.timestamp END) AS first_answer,
           MAX(CASE WHEN m.role = 'assistant' THEN m.timestamp END) AS last_answer
    FROM messages m
    WHERE (:org IS NULL OR m."orgId" = :org)
    GROUP BY m."conversationId"
),
totals AS (
    SELECT COUNT(t.first_question) AS wrote,
           COUNT(CASE WHEN t.last_answer >= t.first_question THEN 1 END) AS answered,
           COUNT(CASE WHEN t.first_answer >= t.first_question THEN CASE WHEN t.last_question > t.first_answer THEN 1 END
                      WHEN t.last_answer < t.first_question OR t.last_question = t.first_question THEN NULL
                      WHEN t.last_answer < t.last_question THEN 1
                      -- it began with a greeting and ends with an answer: was there another one in between?
                      WHEN EXISTS (SELECT 1 FROM messages m
                                   WHERE m."conversationId" = t.conversation AND m.role = 'assistant'
                                     AND m.timestamp >= t.first_question AND m.timestamp < t.last_question) THEN 1
                 END) AS replied
    FROM talks t CROSS JOIN conversations c -- in this order, says CROSS to SQLite
    WHERE c.id = t.conversation
      AND c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity')
),
opened AS (
    SELECT COUNT(*) AS conversations
    FROM conversations c
    WHERE (:org IS NULL OR c."orgId" = :org)
      AND c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity')
),
steps(n, step) AS (
    VALUES (1, 'opened'), (2, 'the visitor wrote'), (3, 'answered'), (4, 'the visitor replied')
),
lines AS (
    SELECT s.n, s.step, o.conversations AS everything,
           CASE s.n WHEN 1 THEN o.conversations WHEN 2 THEN t.wrote WHEN 3 THEN t.answered ELSE t.replied END
               AS conversations
    FROM totals t CROSS JOIN opened o CROSS JOIN steps s
)
SELECT step, conversations,
       COALESCE(ROUND(100.0 * conversations / NULLIF(everything, 0), 1), 0.0) AS percent_of_opened,
       COALESCE(ROUND(100.0 * conversations / NULLIF(LAG(conversations) OVER (ORDER BY n), 0), 1),
                CASE WHEN n = 1 AND everything > 0 THEN 100.0 ELSE 0.0 END) AS percent_of_step_before
FROM lines
ORDER BY n;

-- section: Where they are lost
-- chart: bar
WITH talks AS (
    SELECT m."conversationId" AS conversation,
           MIN(CASE WHEN m.role = 'user' THEN m.timestamp END) AS first_question,
           MAX(CASE WHEN m.role = 'user' THEN m.timestamp END) AS last_question,
           MAX(CASE WHEN m.role = 'assistant' THEN m.timestamp END) AS last_answer
    FROM messages m
    WHERE (:org IS NULL OR m."orgId" = :org)
    GROUP BY m."conversationId"
),
totals AS (
    SELECT COUNT(t.first_question) AS wrote,
           COUNT(CASE WHEN t.last_answer < t.first_question THEN 1
                      WHEN t.last_answer IS NULL AND t.first_question IS NOT NULL THEN 1 END) AS never_answered,
           COUNT(CASE WHEN t.last_answer >= t.first_question AND t.last_question <= t.last_answer
                           AND (SELECT v."lastSeenAt" FROM visitors v WHERE v.id = c."visitorId") <= t.last_answer
                      THEN 1 END) AS never_read_on
    FROM talks t CROSS JOIN conversations c -- in this order, says CROSS to SQLite
    WHERE c.id = t.conversation
      AND c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity')
),
opened AS (
    SELECT COUNT(*) AS conversations
    FROM conversations c
    WHERE (:org IS NULL OR c."orgId" = :org)
      AND c."createdAt" >= COALESCE(:since, '-infinity') AND c."createdAt" < COALESCE(:until, 'infinity')
),
steps(n, lost) AS (
    VALUES (1, 'nothing was written by the visitor'), (2, 'never answered'), (3, 'answered but never read on')
),
lines AS (
    SELECT s.n, s.lost, o.conversations AS everything,
           CASE s.n WHEN 1 THEN o.conversations - t.wrote WHEN 2 THEN t.never_answered ELSE t.never_read_on END
               AS conversations
    FROM totals t CROSS JOIN opened o CROSS JOIN steps s
)
SELECT lost, conversations, COALESCE(ROUND(100.0 * conversations / NULLIF(everything, 0), 1), 0.0) AS percent_of_opened
FROM lines
ORDER BY n;
