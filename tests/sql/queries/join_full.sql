-- Both sides stay.
-- order: none
SELECT v.id AS visitor, c.id AS conversation
FROM visitors v FULL OUTER JOIN conversations c ON c."visitorId" = v.id AND c."orgId" = v."orgId";
