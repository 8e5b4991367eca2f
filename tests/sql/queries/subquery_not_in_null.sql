-- NOT IN over a set that has a NULL: nothing, in every database.
-- order: total
SELECT id FROM visitors WHERE id NOT IN (SELECT "visitorId" FROM conversations) ORDER BY id;
