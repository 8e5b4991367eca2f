-- INTERSECT, with NULLs being alike.
-- order: total
SELECT "visitorId" AS visitor FROM conversations WHERE "messageCount" = 0
INTERSECT SELECT "visitorId" FROM conversations WHERE "messageCount" > 0 ORDER BY visitor NULLS LAST;
