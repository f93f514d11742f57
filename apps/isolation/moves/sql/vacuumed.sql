-- Tables that autovacuum looks after unasked. Parameter: tables.
SELECT c.oid::regclass::text FROM pg_class c
WHERE c.oid IN (SELECT to_regclass(n) FROM unnest(%(tables)s::text[]) AS n) AND c.relkind = 'r'
  AND NOT coalesce(array_to_string(c.reloptions, ',') LIKE '%%autovacuum_enabled%%', false)
ORDER BY 1
