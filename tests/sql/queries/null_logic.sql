-- Three-valued logic.
-- order: total
SELECT id, "userAgent" IS NULL AS missing, "userAgent" = NULL AS unknown, "userAgent" IS DISTINCT FROM 'plain' AS other,
       NOT ("userAgent" = 'plain') AS not_plain, COALESCE("userAgent", 'none') AS agent, NULLIF("visitorKey", 'v_1') AS no_one
FROM visitors ORDER BY id;
