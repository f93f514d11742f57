-- The columns of one table. Parameter: table = its quoted name.
SELECT a.attname,
       format_type(a.atttypid, a.atttypmod),
       CASE WHEN b.oid < 16384 THEN format_type(a.atttypid, a.atttypmod)
            ELSE b.typname || CASE t.typcategory WHEN 'A' THEN '[]' ELSE '' END END,
       a.attgenerated <> '',
       b.oid < 16384 AND t.oid < 16384,
       t.typtype = 'e',
       a.atttypmod >= 0
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type b ON b.oid = CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem ELSE t.oid END
WHERE a.attrelid = to_regclass(%(table)s) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
