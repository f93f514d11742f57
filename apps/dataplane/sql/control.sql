-- decoy: tenants of a proof, which are in no other table. Only the owner writes here.
CREATE TABLE IF NOT EXISTS tenlyr_dataplane.decoy (tenant_id uuid PRIMARY KEY, schema name NOT NULL);

-- In the control database the placement itself is asked: a flip and its fence are one commit.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.place_of(tenant uuid)
RETURNS TABLE (schema text, state text, epoch bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT CASE l.state WHEN 'shared' THEN 'op_' || replace(t.workspace_id::text, '-', '')
                        ELSE l.data_schema::text END,
           CASE WHEN t.status <> 'active' THEN 'blocked' WHEN l.alias <> 'default' THEN 'gone'
                ELSE 'here' END,
           p.epoch
    FROM public.isolation_placement p
    JOIN public.isolation_location l ON l.id = p.location_id
    JOIN public.tenants_tenant t ON t.id = p.tenant_id
    WHERE p.tenant_id = tenant;
    IF NOT FOUND THEN
        RETURN QUERY SELECT d.schema::text, 'here', 0::bigint
                     FROM tenlyr_dataplane.decoy d WHERE d.tenant_id = tenant;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION tenlyr_dataplane.lock_place(tenant uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM public.isolation_placement p WHERE p.tenant_id = tenant FOR SHARE;
END $$;

REVOKE ALL ON FUNCTION tenlyr_dataplane.place_of(uuid), tenlyr_dataplane.lock_place(uuid) FROM PUBLIC;

-- The narrow doors of the app's role: each reads from tables what it may do, and takes no SQL.

-- dataplane_apply: a workspace's stored releases after the one a schema has, up to `wanted`.
CREATE OR REPLACE FUNCTION public.dataplane_apply(target text, wanted integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held record;
    r record;
    done integer := 0;
BEGIN
    SELECT * INTO held FROM tenlyr_dataplane.applied WHERE schema = target FOR UPDATE;
    FOR r IN
        SELECT d.version, d.statements FROM public.dataplane_release d
        WHERE d.workspace_id = held.workspace_id AND d.version > held.version AND d.version <= wanted
        ORDER BY d.version
    LOOP
        done := done + tenlyr_dataplane.apply(
            target, r.version, ARRAY(SELECT jsonb_array_elements_text(r.statements)))::integer;
    END LOOP;
    RETURN done;
END $$;

-- dataplane_build: the shared schema of a workspace, or the one beside a Location that is no one else's.
CREATE OR REPLACE FUNCTION public.dataplane_build(workspace uuid, target text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.workspaces_workspace w WHERE w.id = workspace) OR NOT (
        target = 'op_' || replace(workspace::text, '-', '')
        OR EXISTS (
            SELECT FROM public.isolation_location l
            WHERE l.state = 'claimed' AND l.alias = 'default'
              AND target = 'd_' || right(l.schema_name, 32) AND l.schema_name ~ '^t_[0-9a-f]{32}$'))
    THEN
        RAISE EXCEPTION 'not a schema of this workspace: %', target USING ERRCODE = 'invalid_name';
    END IF;
    PERFORM tenlyr_dataplane.build_schema(workspace, target);
END $$;

-- dataplane_drop: the schema beside a Location whose tenant is deleted, or that nobody lives in.
CREATE OR REPLACE FUNCTION public.dataplane_drop(target text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF target !~ '^d_' OR EXISTS (
        SELECT FROM public.isolation_location l
        JOIN public.isolation_placement p ON p.location_id = l.id
        JOIN public.tenants_tenant t ON t.id = p.tenant_id
        WHERE target = 'd_' || right(l.schema_name, 32))
    THEN
        RAISE EXCEPTION 'a tenant lives in %', target USING ERRCODE = 'object_in_use';
    END IF;
    PERFORM tenlyr_dataplane.drop_schema_of(target);
END $$;

REVOKE ALL ON FUNCTION public.dataplane_apply(text, integer), public.dataplane_build(uuid, text),
    public.dataplane_drop(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.dataplane_apply(text, integer), public.dataplane_build(uuid, text),
    public.dataplane_drop(text) TO tenlyr_app;
