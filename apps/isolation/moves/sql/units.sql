-- The leaves of a partitioned table with the condition that picks each one's rows, by which the
-- planner prunes the others (nobody but the owner may read a leaf itself); or the table as a whole.
-- Parameter: table.
SELECT c.relname::text, pg_get_partition_constraintdef(c.oid)
FROM pg_partition_tree(to_regclass(%(table)s)) t JOIN pg_class c ON c.oid = t.relid
WHERE t.isleaf AND c.relispartition
UNION ALL
SELECT c.relname::text, 'true' FROM pg_class c
WHERE c.oid = to_regclass(%(table)s) AND c.relkind = 'r' AND NOT c.relispartition
ORDER BY 1
