-- How many there are of everything, missing values aside.
-- order: total
SELECT (SELECT COUNT(*) FROM organizations) AS organizations, (SELECT COUNT(*) FROM visitors) AS visitors,
       (SELECT COUNT(*) FROM conversations) AS conversations, (SELECT COUNT(*) FROM messages) AS messages,
       (SELECT COUNT("userAgent") FROM visitors) AS agents, (SELECT COUNT("visitorId") FROM conversations) AS owned,
       (SELECT COUNT(DISTINCT "visitorId") FROM conversations) AS owners;
