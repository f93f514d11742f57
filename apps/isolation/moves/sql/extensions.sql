-- Extensions that bring a type of one of the tables' columns. Parameter: tables.
SELECT DISTINCT e.extname::text FROM pg_attribute a
JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = a.atttypid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid
WHERE a.attrelid IN (SELECT to_regclass(t) FROM unnest(%(tables)s::text[]) AS t) AND a.attnum > 0
ORDER BY 1
