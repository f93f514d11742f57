-- The triggers of tables that people made and that are on. Parameter: tables.
SELECT t.tgrelid::regclass::text, t.tgname::text FROM pg_trigger t
WHERE NOT t.tgisinternal AND t.tgenabled = 'O' AND t.tgparentid = 0
  AND t.tgrelid IN (SELECT to_regclass(n) FROM unnest(%(tables)s::text[]) AS n)
ORDER BY 1, 2
