-- isolation_build_schema: a new schema with every table, policy and grant of the shared one.
-- Partitions are not copied: each costs as much as a table, and their manager makes those that rows need.
-- DDL in the request path goes through here only: tenlyr_app may call it, and owns nothing.
CREATE OR REPLACE FUNCTION isolation_build_schema(target text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source CONSTANT text := 'tenlyr_shared';
    t record;
BEGIN
    IF target !~ '^t_[0-9a-f]{32}$' THEN
        RAISE EXCEPTION 'not a name of a tenant schema: %', target USING ERRCODE = 'invalid_name';
    END IF;
    EXECUTE format('CREATE SCHEMA %1$I; GRANT USAGE ON SCHEMA %1$I TO tenlyr_app, tenlyr_fleet', target);
    FOR t IN
        SELECT c.oid, format('%I.%I', target, c.relname) AS name, c.relacl, c.relowner, c.relrowsecurity,
               -- LIKE does not copy storage parameters (fillfactor and its like).
               format('CREATE %s TABLE %I.%I (LIKE %6$I.%3$I INCLUDING ALL) %s %s',
                      CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END, target, c.relname,
                      'PARTITION BY ' || pg_get_partkeydef(c.oid),
                      'WITH (' || array_to_string(c.reloptions, ', ') || ')', source) AS definition
        -- What a schema holds depends on it: an index, where pg_class would be searched as a whole.
        FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
        WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = source::regnamespace
          AND d.classid = 'pg_class'::regclass AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          AND c.relname <> 'django_migrations'
        ORDER BY c.relname
    LOOP
        EXECUTE concat_ws('; ',
            t.definition,
            -- Table by table: ON ALL TABLES IN SCHEMA scans the whole catalogue.
            (SELECT string_agg(format('GRANT %s ON %s TO %s', g.privileges, t.name, g.grantee::regrole), '; ')
             FROM (SELECT a.grantee, string_agg(a.privilege_type, ', ') AS privileges
                   FROM aclexplode(t.relacl) a WHERE a.grantee <> t.relowner GROUP BY a.grantee) AS g),
            (SELECT string_agg(format('CREATE POLICY %I ON %s AS %s FOR %s TO %s %s %s', o.polname, t.name,
                 CASE WHEN o.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                 CASE o.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                               WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                 (SELECT string_agg(role::regrole::text, ', ') FROM unnest(o.polroles) AS role),
                 'USING (' || pg_get_expr(o.polqual, o.polrelid) || ')',
                 'WITH CHECK (' || pg_get_expr(o.polwithcheck, o.polrelid) || ')'), '; ')
             FROM pg_policy o WHERE o.polrelid = t.oid),
            -- Last: from now on whoever opens the table reads its policies, this function too.
            CASE WHEN t.relrowsecurity THEN
                format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', t.name) END);
    END LOOP;
    -- Django's own list, without what would cost as much as a usage table: a sequence, an index, and a table
    -- for long values, which two columns of 255 characters bring (content types allow an app 100, too).
    EXECUTE format('CREATE TABLE %1$I.django_migrations (
                        id bigint NOT NULL DEFAULT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
                        app varchar(100) NOT NULL,
                        name varchar(255) NOT NULL,
                        applied timestamptz NOT NULL);
                    INSERT INTO %1$I.django_migrations (id, app, name, applied)
                    SELECT id, app, name, applied FROM %2$I.django_migrations', target, source);
END $$;

-- isolation_drop_schema: the end of a schema whose Location is retired, and of no other.
CREATE OR REPLACE FUNCTION isolation_drop_schema(target text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF target !~ '^t_[0-9a-f]{32}$' OR NOT EXISTS (
        SELECT 1 FROM public.isolation_location WHERE schema_name = target AND state = 'retired'
    ) THEN
        RAISE EXCEPTION 'not a retired tenant schema: %', target USING ERRCODE = 'invalid_name';
    END IF;
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', target);
END $$;

REVOKE ALL ON FUNCTION isolation_build_schema(text), isolation_drop_schema(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION isolation_build_schema(text), isolation_drop_schema(text) TO tenlyr_app;
