-- The newest few: an order that an index can give, and equal times.
-- order: total
SELECT id, "updatedAt" FROM conversations ORDER BY "updatedAt" DESC, id DESC LIMIT 25 OFFSET 5;
