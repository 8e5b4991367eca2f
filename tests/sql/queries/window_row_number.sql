-- The newest conversation of each visitor.
-- order: total
SELECT visitor, conversation, at FROM (
    SELECT "visitorId" AS visitor, id AS conversation, "updatedAt" AS at,
           ROW_NUMBER() OVER (PARTITION BY "visitorId" ORDER BY "updatedAt" DESC, id DESC) AS place
    FROM conversations WHERE "visitorId" IS NOT NULL) ranked
WHERE place = 1 ORDER BY visitor;
