-- Beside the control database a mark says where each tenant is; a move writes it, under its hold.
CREATE TABLE IF NOT EXISTS tenlyr_dataplane.place (
    tenant_id uuid PRIMARY KEY,
    schema name NOT NULL,
    state text NOT NULL CHECK (state IN ('here', 'gone', 'blocked')),
    epoch bigint NOT NULL);

CREATE OR REPLACE FUNCTION tenlyr_dataplane.place_of(tenant uuid)
RETURNS TABLE (schema text, state text, epoch bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT p.schema::text, p.state, p.epoch FROM tenlyr_dataplane.place p WHERE p.tenant_id = tenant
$$;

CREATE OR REPLACE FUNCTION tenlyr_dataplane.lock_place(tenant uuid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM tenlyr_dataplane.place p WHERE p.tenant_id = tenant FOR SHARE;
END $$;

REVOKE ALL ON FUNCTION tenlyr_dataplane.place_of(uuid), tenlyr_dataplane.lock_place(uuid) FROM PUBLIC;
