-- The foreign keys of tables as statements can make them again. Parameter: tables.
SELECT k.conrelid::regclass::text, k.conname::text, pg_get_constraintdef(k.oid)
FROM pg_constraint k
WHERE k.contype = 'f' AND k.conparentid = 0
  AND k.conrelid IN (SELECT to_regclass(t) FROM unnest(%(tables)s::text[]) AS t)
ORDER BY 1, 2
