-- EXCEPT.
-- order: total
SELECT id FROM visitors EXCEPT SELECT "visitorId" FROM conversations ORDER BY id;
