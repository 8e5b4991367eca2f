-- NOT IN without the NULLs.
-- order: total
SELECT id FROM visitors WHERE id NOT IN (SELECT "visitorId" FROM conversations WHERE "visitorId" IS NOT NULL) ORDER BY id;
