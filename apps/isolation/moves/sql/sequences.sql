-- The sequences behind columns of tables: place of the table, column, sequence, last value given.
-- Parameter: tables, in an order that means the same on both sides.
SELECT t.place, a.attname::text, s.seqrelid::regclass::text, pg_sequence_last_value(s.seqrelid)
FROM unnest(%(tables)s::text[]) WITH ORDINALITY AS t (tbl, place)
JOIN pg_attribute a ON a.attrelid = to_regclass(t.tbl) AND a.attnum > 0
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
     AND d.refobjsubid = a.attnum AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_sequence s ON s.seqrelid = d.objid
WHERE s.seqincrement > 0
