-- Extensions that tables need: by the type of a column (or of an array's elements), by an index's
-- operators, by what a default or a constraint calls. Parameter: tables.
WITH one AS (
    SELECT to_regclass(t) AS oid FROM unnest(%(tables)s::text[]) AS t
),
holder AS (
    SELECT 'pg_class'::regclass AS classid, oid::oid AS objid FROM one
    UNION ALL SELECT 'pg_class'::regclass, i.indexrelid FROM one JOIN pg_index i ON i.indrelid = one.oid
    UNION ALL SELECT 'pg_constraint'::regclass, c.oid FROM one JOIN pg_constraint c ON c.conrelid = one.oid
    UNION ALL SELECT 'pg_attrdef'::regclass, d.oid FROM one JOIN pg_attrdef d ON d.adrelid = one.oid
),
needed AS (
    SELECT d.refclassid AS classid, d.refobjid AS objid FROM holder
    JOIN pg_depend d ON d.classid = holder.classid AND d.objid = holder.objid
    UNION
    SELECT 'pg_type'::regclass, t.typelem FROM one
    JOIN pg_attribute a ON a.attrelid = one.oid AND a.attnum > 0
    JOIN pg_type t ON t.oid = a.atttypid AND t.typelem <> 0
)
SELECT DISTINCT e.extname::text FROM needed
JOIN pg_depend d ON d.classid = needed.classid AND d.objid = needed.objid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid
ORDER BY 1
