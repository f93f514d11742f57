-- One table's capture: keys of changed rows, written with the change itself. The shared lock is
-- what the fence waits for; the gate closes with the flip, in whatever program the writer is.
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $capture$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({lock});
    {gate}
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO {change} (tbl, key) VALUES ({label}, jsonb_build_array({old}));
    END IF;
    IF TG_OP <> 'DELETE' AND (TG_OP = 'INSERT' OR ({new}) IS DISTINCT FROM ({old})) THEN
        INSERT INTO {change} (tbl, key) VALUES ({label}, jsonb_build_array({new}));
    END IF;
    RETURN NULL;
END $capture$
