-- Every unique or exclusion index of one table: its columns, whether it waits until the end of the
-- transaction, and whether it is plain (whole columns, all rows). Parameter: table.
SELECT ARRAY(SELECT a.attname FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
             WHERE k.place <= i.indnkeyatts ORDER BY k.place)::text[] AS columns,
       NOT i.indimmediate,
       i.indexprs IS NULL AND i.indpred IS NULL
FROM pg_index i
WHERE i.indrelid = to_regclass(%(table)s) AND (i.indisunique OR i.indisexclusion)
ORDER BY i.indisprimary DESC, 1
