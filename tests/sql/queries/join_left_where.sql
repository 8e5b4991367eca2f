-- The other side of a left join asked for NULL: an anti-join.
-- order: total
SELECT v.id AS visitor FROM visitors v LEFT JOIN conversations c ON c."visitorId" = v.id WHERE c.id IS NULL ORDER BY v.id;
