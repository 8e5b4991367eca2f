-- What compares with NULL is not found, whichever way.
-- order: total
SELECT id FROM conversations WHERE "visitorId" = NULL OR "visitorId" <> NULL OR "visitorId" IN (NULL)
   OR "updatedAt" > NULL OR "createdAt" BETWEEN NULL AND '2026-01-01 00:00:00.000' AND id IS NULL ORDER BY id;
