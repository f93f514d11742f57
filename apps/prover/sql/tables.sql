-- tables: every table with rows of tenants in some schemas, those that are referred to first.
-- Parameters: schemas (text[]).
SELECT n.nspname AS schema, c.relname AS name,
       coalesce((SELECT array_agg(DISTINCT k.confrelid::regclass::text)
                 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f'
                   AND k.confrelid <> c.oid), '{}') AS refers_to,
       c.oid::regclass::text AS regclass,
       c.relkind = 'r' OR EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhparent = c.oid) AS can_hold_rows
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid
              AND a.attname = 'tenant_id' AND NOT a.attisdropped)
ORDER BY 1, 2
