-- Runs in every database as the owner: who a session is, where its tenant lives, what it may touch.

-- login: which tenant a role speaks for. Only the owner writes here; no policy trusts a setting.
CREATE TABLE IF NOT EXISTS tenlyr_dataplane.login (
    role name PRIMARY KEY,
    tenant_id uuid NOT NULL,
    verifier text NOT NULL,
    ends timestamptz,
    made_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX IF NOT EXISTS login_tenant ON tenlyr_dataplane.login (tenant_id);

-- applied: the release each schema has, written in the transaction of its DDL.
CREATE TABLE IF NOT EXISTS tenlyr_dataplane.applied (
    schema name PRIMARY KEY,
    workspace_id uuid NOT NULL,
    version integer NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now());

-- lock_key: the advisory lock of a tenant's operator rows: writers share it, a move's hold has it alone.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.lock_key(tenant uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT hashtextextended('tenlyr operator rows ' || tenant, 0)
$$;

-- tenant: the tenant of this session, by the role that logged in; `here` is the schema it asks from.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.tenant(here text) RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known record;
    place record;
BEGIN
    SELECT l.tenant_id, l.ends INTO known FROM tenlyr_dataplane.login l WHERE l.role = session_user;
    IF NOT FOUND OR known.ends <= clock_timestamp() THEN
        RAISE EXCEPTION 'credential_ended' USING ERRCODE = '28000',
            HINT = 'Ask POST /api/v1/isolation/connection/credentials for a new one.';
    END IF;
    SELECT * INTO place FROM tenlyr_dataplane.place_of(known.tenant_id);
    IF place.state = 'here' AND place.schema = here THEN
        RETURN known.tenant_id;
    ELSIF place.state IS NULL OR place.state = 'blocked' THEN
        RAISE EXCEPTION 'tenant_blocked' USING ERRCODE = '28000',
            HINT = 'The tenant is suspended, terminated or deleted.';
    END IF;
    RAISE EXCEPTION 'placement_moved' USING ERRCODE = '40001',
        HINT = 'Connect again; GET /api/v1/isolation/connection has the address.';
END $$;

-- guard: before each statement that writes. A writer shares the tenant's lock until it commits and
-- looks only then where the tenant lives: after a flip nobody can write to the old place.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner uuid;
BEGIN
    -- The mover has the lock itself; its policy and grants are its own.
    IF session_user = 'tenlyr_fleet' THEN
        RETURN NULL;
    END IF;
    SELECT l.tenant_id INTO owner FROM tenlyr_dataplane.login l WHERE l.role = session_user;
    IF FOUND THEN
        PERFORM pg_advisory_xact_lock_shared(tenlyr_dataplane.lock_key(owner));
        -- An older snapshot would not see the flip; locking the row makes Postgres compare.
        IF current_setting('transaction_isolation') <> 'read committed' THEN
            PERFORM tenlyr_dataplane.lock_place(owner);
        END IF;
    END IF;
    -- Only a column's default reads this; the policy checks what came of it.
    PERFORM set_config('tenlyr.tenant', tenlyr_dataplane.tenant(TG_TABLE_SCHEMA)::text, true);
    RETURN NULL;
END $$;

-- open_workspace: the owner role of a workspace's tables, and the function that runs DDL as that role.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.open_workspace(workspace uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hex text := replace(workspace::text, '-', '');
    role text := 'tenlyr_w_' || hex;
    runner text := 'run_' || hex;
BEGIN
    IF to_regprocedure(format('tenlyr_dataplane.%I(text, text[])', runner)) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM tenlyr_dataplane.ensure_group(role);
    -- Whatever a statement holds, it runs as a role that owns this workspace's tables and no more,
    -- and inside a function that cannot become another role.
    EXECUTE format($run$
        CREATE FUNCTION tenlyr_dataplane.%I(here text, statements text[]) RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
        DECLARE
            n integer := 0;
            state text;
            said text;
            more text;
        BEGIN
            PERFORM set_config('search_path', quote_ident(here) || ', pg_temp', true),
                    set_config('standard_conforming_strings', 'on', true),
                    set_config('check_function_bodies', 'on', true);
            WHILE n < cardinality(statements) LOOP
                n := n + 1;
                EXECUTE statements[n];
            END LOOP;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT,
                                    more = PG_EXCEPTION_DETAIL;
            RAISE EXCEPTION '%%', said USING ERRCODE = state, DETAIL = more,
                                             HINT = 'statement ' || n;
        END $body$ $run$, runner);
    EXECUTE format('REVOKE ALL ON FUNCTION tenlyr_dataplane.%I(text, text[]) FROM PUBLIC', runner);
    EXECUTE format('GRANT EXECUTE ON FUNCTION tenlyr_dataplane.%I(text, text[]) TO tenlyr_owner', runner);
    EXECUTE format('GRANT CREATE ON SCHEMA tenlyr_dataplane TO %I', role);
    EXECUTE format('ALTER FUNCTION tenlyr_dataplane.%I(text, text[]) OWNER TO %I', runner, role);
    EXECUTE format('REVOKE ALL ON SCHEMA tenlyr_dataplane FROM %I', role);
END $$;

-- build_schema: an empty schema for a workspace's tables, and the group that may use it; idempotent.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.build_schema(workspace uuid, target text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    role text := 'tenlyr_w_' || replace(workspace::text, '-', '');
    tenants text := tenlyr_dataplane.group_of(target);
BEGIN
    PERFORM tenlyr_dataplane.open_workspace(workspace);
    INSERT INTO tenlyr_dataplane.applied (schema, workspace_id) VALUES (target, workspace)
        ON CONFLICT DO NOTHING;
    IF to_regnamespace(quote_ident(target)) IS NULL THEN
        EXECUTE format('CREATE SCHEMA %I AUTHORIZATION %I', target, role);
    END IF;
    PERFORM tenlyr_dataplane.ensure_group(tenants);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I, tenlyr_fleet', target, tenants);
END $$;

-- fence: RLS, policies, guard and grants of every table in a schema that lacks them; idempotent.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.fence(target text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tenants text := tenlyr_dataplane.group_of(target);
    -- A sub-select, so that it is asked once in a statement.
    own text := format('(tenant_id = (SELECT tenlyr_dataplane.tenant(%L)))', target);
    t record;
BEGIN
    FOR t IN
        SELECT format('%I.%I', target, c.relname) AS name, c.relkind
        FROM pg_class c WHERE c.relnamespace = target::regnamespace AND c.relkind IN ('r', 'S')
          AND NOT EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee = tenants::regrole)
          -- One without it gets no grant, so nobody can use it; the release is refused for it.
          AND (c.relkind = 'S' OR EXISTS (
              SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
                AND a.atttypid = 'uuid'::regtype AND NOT a.attisdropped))
    LOOP
        IF t.relkind = 'S' THEN
            EXECUTE format('GRANT USAGE ON SEQUENCE %s TO %I', t.name, tenants);
            EXECUTE format('GRANT SELECT, UPDATE ON SEQUENCE %s TO tenlyr_fleet', t.name);
            CONTINUE;
        END IF;
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY,'
                       ' ALTER tenant_id SET DEFAULT nullif(current_setting(''tenlyr.tenant'', true), '''')::uuid',
                       t.name);
        EXECUTE format('CREATE POLICY tenant_rw ON %s FOR ALL TO %I USING %s WITH CHECK %s',
                       t.name, tenants, own, own);
        EXECUTE format('CREATE POLICY tenant_fence ON %s AS RESTRICTIVE FOR ALL TO %I USING %s WITH CHECK %s',
                       t.name, tenants, own, own);
        EXECUTE format('CREATE POLICY fleet_rw ON %s FOR ALL TO tenlyr_fleet USING (true) WITH CHECK (true)',
                       t.name);
        EXECUTE format('CREATE TRIGGER tenlyr_guard BEFORE INSERT OR UPDATE OR DELETE ON %s'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION tenlyr_dataplane.guard()', t.name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I, tenlyr_fleet', t.name, tenants);
    END LOOP;
END $$;

-- apply: one release in one schema, unless it has it already. Answers whether anything was done.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.apply(target text, wanted integer, statements text[])
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held record;
BEGIN
    SELECT * INTO held FROM tenlyr_dataplane.applied WHERE schema = target FOR UPDATE;
    IF held.version >= wanted THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT tenlyr_dataplane.%I($1, $2)',
                   'run_' || replace(held.workspace_id::text, '-', '')) USING target, statements;
    PERFORM tenlyr_dataplane.fence(target);
    UPDATE tenlyr_dataplane.applied SET version = wanted, changed_at = now() WHERE schema = target;
    RETURN true;
END $$;

-- version_of: the release a schema has; 0 for one that is not there.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.version_of(target text) RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce((SELECT a.version FROM tenlyr_dataplane.applied a WHERE a.schema = target), 0)
$$;

-- drop_schema_of: the end of a schema of operator's tables, with its group.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.drop_schema_of(target text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tenants text := tenlyr_dataplane.group_of(target);
BEGIN
    EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', target);
    DELETE FROM tenlyr_dataplane.applied WHERE schema = target;
    PERFORM tenlyr_dataplane.remove_role(tenants);
END $$;

-- save_login, drop_login: a tenant's credential here; its role can enter the tenant's schema only.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.save_login(
    named text, owner uuid, secret text, until timestamptz, most integer, target text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM tenlyr_dataplane.ensure_login(named, secret, until, most);
    INSERT INTO tenlyr_dataplane.login (role, tenant_id, verifier, ends)
        VALUES (named, owner, secret, until) ON CONFLICT DO NOTHING;
    PERFORM tenlyr_dataplane.enter(named, target), tenlyr_dataplane.set_path(named, target);
END $$;

-- send_on: a login out of one schema and into another of the same database.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.send_on(named text, from_schema text, to_schema text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = named) THEN
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = tenlyr_dataplane.group_of(from_schema)) THEN
            PERFORM tenlyr_dataplane.quit(named, from_schema);
        END IF;
        PERFORM tenlyr_dataplane.enter(named, to_schema),
                tenlyr_dataplane.set_path(named, to_schema);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION tenlyr_dataplane.drop_login(named text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was_there boolean;
BEGIN
    DELETE FROM tenlyr_dataplane.login WHERE role = named;
    was_there := FOUND;
    PERFORM tenlyr_dataplane.kick(named), tenlyr_dataplane.remove_role(named);
    RETURN was_there;
END $$;

-- add_login: the app's door to a new credential, for a tenant that lives here.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.add_login(
    named text, owner uuid, secret text, until timestamptz, most integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    place record;
BEGIN
    SELECT * INTO place FROM tenlyr_dataplane.place_of(owner);
    IF place.state IS DISTINCT FROM 'here' THEN
        RAISE EXCEPTION 'the tenant % does not live here', owner USING ERRCODE = '40001';
    END IF;
    IF EXISTS (SELECT FROM tenlyr_dataplane.login l WHERE l.role = named) THEN
        RAISE EXCEPTION 'the login % is there', named USING ERRCODE = 'duplicate_object';
    END IF;
    PERFORM tenlyr_dataplane.save_login(named, owner, secret, until, most, place.schema);
END $$;

-- verifier_of: what a pooler's auth_query asks; an ended credential has none.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.verifier_of(named text)
RETURNS TABLE (username name, password text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT l.role, l.verifier FROM tenlyr_dataplane.login l
    WHERE l.role = named AND coalesce(l.ends, 'infinity') > clock_timestamp()
$$;

REVOKE ALL ON FUNCTION
    tenlyr_dataplane.lock_key(uuid), tenlyr_dataplane.tenant(text), tenlyr_dataplane.guard(),
    tenlyr_dataplane.open_workspace(uuid), tenlyr_dataplane.build_schema(uuid, text),
    tenlyr_dataplane.fence(text), tenlyr_dataplane.apply(text, integer, text[]),
    tenlyr_dataplane.drop_schema_of(text), tenlyr_dataplane.drop_login(text),
    tenlyr_dataplane.version_of(text), tenlyr_dataplane.send_on(text, text, text),
    tenlyr_dataplane.save_login(text, uuid, text, timestamptz, integer, text),
    tenlyr_dataplane.add_login(text, uuid, text, timestamptz, integer),
    tenlyr_dataplane.verifier_of(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenlyr_dataplane.add_login(text, uuid, text, timestamptz, integer),
    tenlyr_dataplane.drop_login(text), tenlyr_dataplane.version_of(text) TO tenlyr_app;
GRANT EXECUTE ON FUNCTION tenlyr_dataplane.verifier_of(text) TO tenlyr_pooler;
DO $$ BEGIN
    EXECUTE format('GRANT EXECUTE ON FUNCTION tenlyr_dataplane.tenant(text) TO %I',
                   tenlyr_dataplane.entrance());
END $$;
