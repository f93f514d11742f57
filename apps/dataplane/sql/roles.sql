-- Runs in every database, first: as the deploy role, the only one here that may make roles.
SET LOCAL ROLE NONE;

-- tenlyr_logins makes roles and does nothing else; no one can log in as it, only functions use it.
DO $$
DECLARE
    entrance text := 'tenlyr_at_' || left(encode(sha256(current_database()::text::bytea), 'hex'), 16);
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenlyr_logins') THEN
        CREATE ROLE tenlyr_logins NOLOGIN CREATEROLE;
        GRANT tenlyr_logins TO CURRENT_USER;
    END IF;
    -- The pooler asks for verifiers as this one; it gets its password when a pooler is set up.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenlyr_pooler') THEN
        CREATE ROLE tenlyr_pooler NOLOGIN NOINHERIT;
    END IF;
    SET LOCAL ROLE tenlyr_logins;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = entrance) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', entrance);
    END IF;
    SET LOCAL ROLE NONE;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I, tenlyr_pooler', current_database(), entrance);
    SET LOCAL ROLE tenlyr_owner;
    CREATE SCHEMA IF NOT EXISTS tenlyr_dataplane;
    GRANT USAGE, CREATE ON SCHEMA tenlyr_dataplane TO tenlyr_logins;
    EXECUTE format('GRANT USAGE ON SCHEMA tenlyr_dataplane TO %I, tenlyr_pooler, tenlyr_app', entrance);
END $$;

SET LOCAL ROLE tenlyr_logins;

-- entrance: the role whose members may connect to this database and ask who they are.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.entrance() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'tenlyr_at_' || left(encode(sha256(current_database()::text::bytea), 'hex'), 16)
$$;

-- ensure_group: a role without a login, for a schema's tenants (g) or a workspace's owner (w).
CREATE OR REPLACE FUNCTION tenlyr_dataplane.ensure_group(role text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF role !~ '^tenlyr_[gw]_[0-9a-f]{32}$' THEN
        RAISE EXCEPTION 'not a name of a group: %', role USING ERRCODE = 'invalid_name';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role);
        IF role ~ '^tenlyr_w' THEN
            EXECUTE format('GRANT %I TO tenlyr_owner', role);
        END IF;
    END IF;
END $$;

-- ensure_login: a tenant's login with a given verifier (never a password), into this database only.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.ensure_login(
    role text, verifier text, ends timestamptz, most integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF role !~ '^tenlyr_t_[0-9a-f]{24}$' OR verifier !~ '^SCRAM-SHA-256\$' THEN
        RAISE EXCEPTION 'not a login of a tenant: %', role USING ERRCODE = 'invalid_name';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('CREATE ROLE %I LOGIN', role);
        -- So that these functions may end its sessions and remove what it left behind.
        EXECUTE format('GRANT %I TO tenlyr_logins', role);
    END IF;
    EXECUTE format('ALTER ROLE %I PASSWORD %L VALID UNTIL %L CONNECTION LIMIT %s',
                   role, verifier, coalesce(ends, 'infinity'), most);
    EXECUTE format('GRANT %I TO %I', tenlyr_dataplane.entrance(), role);
    EXECUTE format('ALTER ROLE %I IN DATABASE %I SET idle_in_transaction_session_timeout = %L',
                   role, current_database(), '60s');
END $$;

-- enter, quit: a login's way into a schema and out of it.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.enter(role text, schema text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('GRANT %I TO %I', tenlyr_dataplane.group_of(schema), role);
END $$;

CREATE OR REPLACE FUNCTION tenlyr_dataplane.quit(role text, schema text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('REVOKE %I FROM %I', tenlyr_dataplane.group_of(schema), role);
END $$;

-- set_path: where a login's names without a schema are looked up, from its next connection on.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.set_path(role text, schema text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = %I',
                   role, current_database(), schema);
END $$;

-- kick: end a login's sessions in this database; a pooler's idle ones are replaced unnoticed.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.kick(role text) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FILTER (WHERE pg_terminate_backend(pid))::integer FROM pg_stat_activity
    WHERE usename = role AND datname = current_database()
$$;

-- remove_role: the end of a login or group; it can own nothing here but large objects.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.remove_role(role text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF role !~ '^tenlyr_(t_[0-9a-f]{24}|g_[0-9a-f]{32})$' THEN
        RAISE EXCEPTION 'not a login or group of tenants: %', role USING ERRCODE = 'invalid_name';
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
        EXECUTE format('GRANT %I TO tenlyr_logins', role);
        EXECUTE format('DROP OWNED BY %I', role);
        BEGIN
            EXECUTE format('DROP ROLE %I', role);
        EXCEPTION WHEN dependent_objects_still_exist THEN
            -- In another database of this server, which removes it in its turn: inert until then.
            EXECUTE format('ALTER ROLE %I NOLOGIN PASSWORD NULL', role);
        END;
    END IF;
END $$;

-- group_of: the group whose members may use a schema of an operator's tables.
CREATE OR REPLACE FUNCTION tenlyr_dataplane.group_of(schema text) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF schema !~ '^(op|d)_[0-9a-f]{32}$' THEN
        RAISE EXCEPTION 'not a schema of an operator: %', schema USING ERRCODE = 'invalid_name';
    END IF;
    RETURN 'tenlyr_g_' || right(schema, 32);
END $$;

REVOKE ALL ON FUNCTION
    tenlyr_dataplane.entrance(), tenlyr_dataplane.group_of(text), tenlyr_dataplane.ensure_group(text),
    tenlyr_dataplane.ensure_login(text, text, timestamptz, integer),
    tenlyr_dataplane.enter(text, text), tenlyr_dataplane.quit(text, text),
    tenlyr_dataplane.set_path(text, text), tenlyr_dataplane.kick(text),
    tenlyr_dataplane.remove_role(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    tenlyr_dataplane.entrance(), tenlyr_dataplane.group_of(text), tenlyr_dataplane.ensure_group(text),
    tenlyr_dataplane.ensure_login(text, text, timestamptz, integer),
    tenlyr_dataplane.enter(text, text), tenlyr_dataplane.quit(text, text),
    tenlyr_dataplane.set_path(text, text), tenlyr_dataplane.kick(text),
    tenlyr_dataplane.remove_role(text) TO tenlyr_owner;

SET LOCAL ROLE tenlyr_owner;
