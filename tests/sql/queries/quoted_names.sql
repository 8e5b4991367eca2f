-- Names in quotes, with other names and spaces in them.
-- order: total
SELECT "v"."visitorKey" AS "Visitor Key", "v"."lastSeenAt" AS "the ""last"" time" FROM "visitors" AS "v"
WHERE "v"."visitorKey" = 'v_both' ORDER BY "the ""last"" time", "v"."id";
