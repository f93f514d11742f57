-- What a schema of an operator's tables holds, one row per relation that could hold rows. Parameter: schema.
SELECT c.relname AS name,
       c.relkind::text AS kind,
       c.relpersistence::text AS persistence,
       (SELECT format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
       ) AS tenant,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
            'isNullable', NOT a.attnotnull) ORDER BY a.attnum), '[]')
        FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
       -- Values that mean something in one database only.
       (SELECT coalesce(jsonb_agg(a.attname ORDER BY a.attnum), '[]')
        FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND t.typnamespace = 'pg_catalog'::regnamespace
          AND t.typname ~ ('^_?(reg[a-z]+|oid|oidvector|xid|xid8|cid|tid|pg_lsn|pg_snapshot|txid_snapshot'
                           '|refcursor|aclitem)$')) AS unmovable,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'name', k.relname,
            'hasTenant', EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
                                 AND a.attname = 'tenant_id' AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])),
            'isDeferrable', NOT i.indimmediate,
            -- Usable to find a row again: whole, valid, plain columns, none null, computed or inexact.
            'isKey', i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND NOT EXISTS (
                SELECT FROM unnest(i.indkey[0:i.indnkeyatts - 1]) n JOIN pg_attribute a
                    ON a.attrelid = c.oid AND a.attnum = n
                WHERE NOT a.attnotnull OR a.attgenerated <> ''
                    OR a.atttypid IN ('real'::regtype, 'double precision'::regtype)),
            'columns', (SELECT jsonb_agg(a.attname ORDER BY u.place)
                        FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY u (n, place)
                        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.n)
            ) ORDER BY NOT i.indisprimary, i.indnkeyatts, k.relname), '[]')
        FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid
        WHERE i.indrelid = c.oid AND i.indisunique) AS uniques,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
            'name', f.conname, 'table', r.relname,
            'isWithin', r.relnamespace = c.relnamespace,
            'hasTenant', EXISTS (
                SELECT FROM unnest(f.conkey, f.confkey) AS p (here, there)
                JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = p.here
                JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = p.there
                WHERE a.attname = 'tenant_id' AND b.attname = 'tenant_id'),
            -- SET NULL and SET DEFAULT must name columns, or they would unset the tenant.
            'touchesTenant', f.confupdtype IN ('n', 'd') OR (f.confdeltype IN ('n', 'd') AND (
                f.confdelsetcols IS NULL OR EXISTS (
                    SELECT FROM pg_attribute a WHERE a.attrelid = f.conrelid
                    AND a.attname = 'tenant_id' AND a.attnum = ANY (f.confdelsetcols))))
            ) ORDER BY f.conname), '[]')
        FROM pg_constraint f JOIN pg_class r ON r.oid = f.confrelid
        WHERE f.conrelid = c.oid AND f.contype = 'f' AND f.conparentid = 0) AS foreign_keys
FROM pg_class c
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind NOT IN ('i', 'I', 'S', 'c', 't')
ORDER BY c.relname
