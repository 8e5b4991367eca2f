-- Texts that are compared byte by byte, signs that look alike among them.
-- order: total
SELECT content, COUNT(*) AS n FROM messages
WHERE content IN ('', ' ', '''', '''''', '\', '\\', '\N', '\.', 'NULL', 'null', 't', '😀', 'é and é', '"quoted"', 'İstanbul ığüşöç', '%', '_')
GROUP BY content ORDER BY content;
