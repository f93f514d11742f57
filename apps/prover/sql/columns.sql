-- columns: the columns of one table that a row must give a value to, and what is known of them.
-- Parameters: table (text, quoted).
SELECT a.attname, format_type(a.atttypid, a.atttypmod), t.typcategory,
       (SELECT b.typname FROM pg_type b WHERE b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)),
       information_schema._pg_char_max_length(
           information_schema._pg_truetypid(a, t), information_schema._pg_truetypmod(a, t)),
       (SELECT e.enumlabel FROM pg_enum e WHERE e.enumtypid = coalesce(nullif(t.typbasetype, 0), t.oid)
        ORDER BY e.enumsortorder LIMIT 1),
       coalesce((SELECT array_agg(pg_get_constraintdef(k.oid) ORDER BY k.conname)
                 FROM pg_constraint k
                 WHERE k.contype = 'c' AND (k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)
                                            OR k.contypid = t.oid)), '{}'),
       coalesce(pg_get_expr(d.adbin, d.adrelid), ''),
       (SELECT k.confrelid::regclass::text || '.' || f.attname
        FROM pg_constraint k, generate_subscripts(k.conkey, 1) AS i, pg_attribute f
        WHERE k.conrelid = a.attrelid AND k.contype = 'f' AND k.conkey[i] = a.attnum
          AND f.attrelid = k.confrelid AND f.attnum = k.confkey[i] AND f.attname <> 'tenant_id'
        ORDER BY k.conname LIMIT 1),
       coalesce((SELECT array_agg(substring(pg_get_expr(c.relpartbound, c.oid) FROM $$\('([^']+)'$$)
                                  ORDER BY c.oid DESC)
                 FROM pg_partitioned_table p JOIN pg_inherits i ON i.inhparent = p.partrelid
                 JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE p.partrelid = a.attrelid AND a.attnum = p.partattrs[0]), '{}')
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %(table)s::regclass AND a.attnum > 0 AND NOT a.attisdropped
  AND a.attgenerated = '' AND (a.attnotnull OR t.typnotnull)
ORDER BY a.attnum
