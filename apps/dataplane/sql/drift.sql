-- What schemas of operator's tables hold, fact by fact, as a digest each. Two schemas of one release have the
-- same digest: their own name is taken out of every fact. Parameters: schemas (text[]), facts (boolean: say them).
WITH here AS (
    SELECT n.oid, n.nspname::text AS schema FROM pg_namespace n WHERE n.nspname = ANY (%(schemas)s)
),
relation AS (
    SELECT c.*, h.schema FROM pg_class c JOIN here h ON h.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
),
raw AS (
    SELECT schema, format('%%s %%s, owner %%s, row security %%s, forced %%s', relkind, relname,
                          pg_get_userbyid(relowner), relrowsecurity, relforcerowsecurity) AS fact
    FROM relation
    UNION ALL
    SELECT r.schema, format('column %%s.%%s %%s%%s%%s%%s', r.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                            CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
                            ' default ' || pg_get_expr(d.adbin, d.adrelid), ' identity ' || nullif(a.attidentity::text, ''))
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = r.oid AND d.adnum = a.attnum
    WHERE r.relkind <> 'S'
    UNION ALL
    SELECT r.schema, format('constraint %%s.%%s %%s', r.relname, c.conname, pg_get_constraintdef(c.oid))
    FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid AND c.contype <> 'n'
    UNION ALL
    SELECT r.schema, pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
    FROM relation r JOIN pg_index i ON i.indrelid = r.oid
    UNION ALL
    SELECT r.schema, format('policy %%s.%%s for %%s to %%s using %%s check %%s', r.relname, p.polname, p.polcmd,
                            (SELECT string_agg(pg_get_userbyid(o), ', ' ORDER BY pg_get_userbyid(o))
                             FROM unnest(p.polroles) o),
                            pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    FROM relation r JOIN pg_policy p ON p.polrelid = r.oid
    UNION ALL
    SELECT r.schema, pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
    FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT r.schema, format('grant %%s on %%s to %%s', a.privilege_type, r.relname, pg_get_userbyid(a.grantee))
    FROM relation r, aclexplode(r.relacl) a WHERE a.grantee <> r.relowner
    UNION ALL
    SELECT h.schema, format('type %%s (%%s)', t.typname,
                            (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)
                             FROM pg_enum e WHERE e.enumtypid = t.oid))
    FROM here h JOIN pg_type t ON t.typnamespace = h.oid AND t.typtype = 'e'
),
fact AS (
    SELECT schema, replace(replace(fact, schema, '<schema>'), 'tenlyr_g_' || right(schema, 32), '<group>') AS fact
    FROM raw
)
SELECT schema, md5(string_agg(fact, chr(10) ORDER BY fact COLLATE "C")),
       CASE WHEN %(facts)s THEN array_agg(fact ORDER BY fact COLLATE "C") END
FROM fact GROUP BY schema
