-- The sequences behind columns of tables: place of the table, column, sequence, last value given; and those
-- beside the tables that belong to no column, by the place of their schema's first table and by name.
-- Parameter: tables, in an order that means the same on both sides.
WITH t AS (
    SELECT r.oid, r.relnamespace, n.place
    FROM unnest(%(tables)s::text[]) WITH ORDINALITY AS n (tbl, place)
    JOIN pg_class r ON r.oid = to_regclass(n.tbl)
), owned AS (
    SELECT d.objid, d.refobjid, d.refobjsubid FROM pg_depend d
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
)
SELECT t.place, a.attname::text, s.seqrelid::regclass::text, pg_sequence_last_value(s.seqrelid)
FROM t
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0
JOIN owned o ON o.refobjid = a.attrelid AND o.refobjsubid = a.attnum
JOIN pg_sequence s ON s.seqrelid = o.objid
WHERE s.seqincrement > 0
UNION ALL
SELECT beside.place, 'sequence ' || c.relname, s.seqrelid::regclass::text, pg_sequence_last_value(s.seqrelid)
FROM (SELECT t.relnamespace, min(t.place) AS place FROM t GROUP BY 1) AS beside
JOIN pg_class c ON c.relnamespace = beside.relnamespace AND c.relkind = 'S'
JOIN pg_sequence s ON s.seqrelid = c.oid
WHERE s.seqincrement > 0 AND NOT EXISTS (SELECT FROM owned o WHERE o.objid = c.oid)
