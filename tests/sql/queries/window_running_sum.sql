-- A running sum and a moving mean with a frame of rows.
-- order: total
SELECT id, SUM("messageCount") OVER (ORDER BY id) AS running,
       AVG("messageCount") OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING) AS moving,
       MAX("messageCount") OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS most_before
FROM conversations ORDER BY id;
