-- Erasures
-- How much was erased in each month, and so is missing from other reports.
--
-- Only counts are kept of what was erased. Visitors who were erased under the same key are counted together, in the
-- month of the last time; anonymized are conversations that stayed, with their text and without their visitor. Months
-- are those of the time zone; one in which nobody was erased has no line.
--
-- What went because it was older than the organisation keeps it (retention) is counted apart, since the beginning and
-- whatever the period: nobody asked for that.
-- parameters: :org :since :until :tz
--
-- section: By month
-- chart: bar
SELECT local_month(e."erasedAt", :tz) AS month, SUM(e.visitors) AS visitors, SUM(e.conversations) AS conversations,
       SUM(e.messages) AS messages, SUM(e."anonymizedConversations") AS anonymized_conversations
FROM erasures e
WHERE (:org IS NULL OR e."orgId" = :org)
  AND e."erasedAt" >= COALESCE(:since, '-infinity') AND e."erasedAt" < COALESCE(:until, 'infinity')
GROUP BY 1
ORDER BY 1;

-- section: By retention
SELECT o.key AS organisation, r.visitors, r.conversations, r.messages, r.redacted AS redacted_messages
FROM retention_runs r CROSS JOIN organizations o -- in this order, says CROSS to SQLite
WHERE o.id = r."orgId" AND (:org IS NULL OR r."orgId" = :org)
ORDER BY 1;
