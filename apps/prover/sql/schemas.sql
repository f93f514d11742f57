-- schemas: what the catalogue says of each table, view, sequence and grant in some schemas.
-- Partitions come and go by month: of them only how they are fenced, once.
-- Parameters: schemas (text[]).
WITH relations AS (
    SELECT c.*, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
),
said AS (
    SELECT r.oid, r.nspname,
        CASE WHEN r.relispartition THEN 'partition of ' || (
            SELECT p.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
            WHERE i.inhrelid = r.oid LIMIT 1) ELSE r.relname END AS name,
        jsonb_build_object(
            'kind', r.relkind::text,
            'owner', r.relowner::regrole::text,
            'rls', r.relrowsecurity,
            'forced', r.relforcerowsecurity,
            'options', coalesce(r.reloptions::text, ''),
            'grants', (
                SELECT coalesce(jsonb_agg(line ORDER BY line), '[]') FROM (
                    SELECT concat(nullif(a.grantee, 0)::regrole::text, ': ',
                                  string_agg(a.privilege_type || CASE WHEN a.is_grantable
                                             THEN ' WITH GRANT OPTION' ELSE '' END, ', '
                                             ORDER BY a.privilege_type)) AS line
                    FROM aclexplode(coalesce(r.relacl, acldefault('r', r.relowner))) a
                    WHERE a.grantee <> r.relowner GROUP BY a.grantee) AS lines),
            'policies', (
                SELECT coalesce(jsonb_object_agg(p.polname, jsonb_build_object(
                    'kind', CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
                    'command', p.polcmd::text,
                    'roles', (SELECT jsonb_agg(coalesce(nullif(one, 0)::regrole::text, 'PUBLIC')
                                               ORDER BY 1) FROM unnest(p.polroles) AS one),
                    'using', coalesce(pg_get_expr(p.polqual, p.polrelid), ''),
                    'check', coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''))), '{}')
                FROM pg_policy p WHERE p.polrelid = r.oid)
        ) AS facts
    FROM relations r
)
SELECT nspname, jsonb_object_agg(name, facts ORDER BY name)
FROM (SELECT DISTINCT nspname, name || coalesce(' #' || nullif(rank, 1), '') AS name, facts FROM (
        SELECT nspname, name, facts,
               dense_rank() OVER (PARTITION BY nspname, name ORDER BY facts) AS rank FROM said
     ) AS ranked) AS distinct_facts
GROUP BY nspname
