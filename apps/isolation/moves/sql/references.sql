-- Foreign keys among tables: who refers, to whom. Parameter: tables = quoted names.
SELECT a.relname, b.relname FROM pg_constraint k
JOIN pg_class a ON a.oid = k.conrelid JOIN pg_class b ON b.oid = k.confrelid
WHERE k.contype = 'f' AND k.conparentid = 0
  AND k.conrelid IN (SELECT to_regclass(t) FROM unnest(%(tables)s::text[]) AS t)
  AND k.confrelid IN (SELECT to_regclass(t) FROM unnest(%(tables)s::text[]) AS t)
