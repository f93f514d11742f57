-- isolation_build_schema: a new schema with every table, partition, policy and grant of the shared one.
-- DDL in the request path goes through here only: tenlyr_app may call it, and owns nothing.
CREATE OR REPLACE FUNCTION isolation_build_schema(target text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source CONSTANT text := 'tenlyr_shared';
    t record;
    p record;
BEGIN
    IF target !~ '^t_[0-9a-f]{32}$' THEN
        RAISE EXCEPTION 'not a name of a tenant schema: %', target USING ERRCODE = 'invalid_name';
    END IF;
    EXECUTE format('CREATE SCHEMA %I', target);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO tenlyr_app, tenlyr_fleet', target);
    FOR t IN
        SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relrowsecurity,
               -- LIKE does not copy storage parameters (fillfactor and its like).
               coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS options
        FROM pg_class c
        WHERE c.relnamespace = source::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        ORDER BY c.relname
    LOOP
        EXECUTE format(
            'CREATE %s TABLE %I.%I (LIKE %I.%I INCLUDING ALL) %s %s',
            CASE t.relpersistence WHEN 'u' THEN 'UNLOGGED' ELSE '' END,
            target, t.relname, source, t.relname,
            CASE t.relkind WHEN 'p' THEN 'PARTITION BY ' || pg_get_partkeydef(t.oid) ELSE '' END,
            t.options);
        IF t.relrowsecurity THEN
            EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
                           target, t.relname);
        END IF;
        FOR p IN
            SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound,
                   coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS options
            FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = t.oid ORDER BY c.relname
        LOOP
            EXECUTE format('CREATE TABLE %I.%I PARTITION OF %I.%I %s %s',
                           target, p.relname, target, t.relname, p.bound, p.options);
            EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
                           target, p.relname);
        END LOOP;
        FOR p IN
            SELECT o.polname, o.polpermissive, o.polcmd,
                   (SELECT string_agg(quote_ident(r.rolname), ', ')
                    FROM pg_roles r WHERE r.oid = ANY (o.polroles)) AS roles,
                   pg_get_expr(o.polqual, o.polrelid) AS qual,
                   pg_get_expr(o.polwithcheck, o.polrelid) AS with_check
            FROM pg_policy o WHERE o.polrelid = t.oid ORDER BY o.polname
        LOOP
            EXECUTE format(
                'CREATE POLICY %I ON %I.%I AS %s FOR %s TO %s%s%s',
                p.polname, target, t.relname,
                CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                              WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                p.roles,
                coalesce(' USING (' || p.qual || ')', ''),
                coalesce(' WITH CHECK (' || p.with_check || ')', ''));
        END LOOP;
        -- Grant table by table: ON ALL TABLES IN SCHEMA scans the whole catalogue.
        FOR p IN
            SELECT quote_ident(r.rolname) AS grantee, string_agg(a.privilege_type, ', ') AS privileges
            FROM pg_class c, aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
            WHERE c.oid = t.oid AND a.grantee <> c.relowner GROUP BY r.rolname
        LOOP
            EXECUTE format('GRANT %s ON %I.%I TO %s', p.privileges, target, t.relname, p.grantee);
        END LOOP;
    END LOOP;
    EXECUTE format('INSERT INTO %I.django_migrations (app, name, applied)
                    SELECT app, name, applied FROM %I.django_migrations ORDER BY id', target, source);
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
