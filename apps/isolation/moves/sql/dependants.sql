-- Foreign keys among tables: who refers (its place in the list), to whom, by which columns, to which.
-- Parameter: tables.
WITH given AS (
    SELECT to_regclass(t)::oid AS oid, place
    FROM unnest(%(tables)s::text[]) WITH ORDINALITY AS u (t, place)
)
SELECT child.place, parent.place,
       ARRAY(SELECT a.attname FROM unnest(k.conkey) WITH ORDINALITY AS c (attnum, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.attnum
             ORDER BY c.place)::text[],
       ARRAY(SELECT a.attname FROM unnest(k.confkey) WITH ORDINALITY AS c (attnum, place)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = c.attnum
             ORDER BY c.place)::text[]
FROM pg_constraint k
JOIN given child ON child.oid = k.conrelid JOIN given parent ON parent.oid = k.confrelid
WHERE k.contype = 'f' AND k.conparentid = 0
ORDER BY 1, 2, k.conname
