-- NULLs where they are asked for.
-- order: total
SELECT "visitorId" AS visitor, id FROM conversations ORDER BY "visitorId" DESC NULLS LAST, "updatedAt" DESC NULLS FIRST, id;
