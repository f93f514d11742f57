-- The oldest transaction that writes to one of the tables, in seconds. Parameter: tables.
SELECT l.relation::regclass::text, extract(epoch FROM clock_timestamp() - a.xact_start)::bigint
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.relation IN (SELECT to_regclass(t) FROM unnest(%(tables)s::text[]) AS t) AND l.granted
  AND l.mode IN ('RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock',
                 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
  AND a.xact_start < clock_timestamp() - interval '30 seconds'
ORDER BY a.xact_start LIMIT 1
