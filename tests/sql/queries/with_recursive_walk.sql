-- A walk along a visitor's conversations, from each to the next one.
-- order: total
WITH RECURSIVE walk(visitor, conversation, at, step) AS (
    SELECT c."visitorId", c.id, c."createdAt", 1 FROM conversations c
    WHERE c."visitorId" IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM conversations p WHERE p."visitorId" = c."visitorId" AND (p."createdAt", p.id) < (c."createdAt", c.id))
    UNION ALL
    SELECT w.visitor, c.id, c."createdAt", w.step + 1 FROM walk w JOIN conversations c ON c."visitorId" = w.visitor
    WHERE w.step < 10 AND (c."createdAt", c.id) > (w.at, w.conversation)
      AND NOT EXISTS (SELECT 1 FROM conversations p WHERE p."visitorId" = w.visitor
                      AND (p."createdAt", p.id) > (w.at, w.conversation) AND (p."createdAt", p.id) < (c."createdAt", c.id)))
SELECT visitor, conversation, step FROM walk ORDER BY visitor, step;
