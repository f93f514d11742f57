-- One table's capture: keys of changed rows, written with the change itself. The shared lock is
-- what the fence waits for; who waited for it finds the gate closed. A transaction with a snapshot
-- of its own would see the gate as it was: it locks the gate's row, and fails if that has changed.
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $capture$
DECLARE
    has_left boolean;
BEGIN
    PERFORM pg_advisory_xact_lock_shared({lock});
    IF current_setting('transaction_isolation') = 'read committed' THEN
        {gate} INTO has_left;
    ELSE
        {gate} INTO has_left FOR SHARE;
    END IF;
    IF has_left THEN
        RAISE EXCEPTION 'placement_moved' USING ERRCODE = 'serialization_failure',
            HINT = 'The tenant lives elsewhere now: ask for its connection again.';
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO {change} (tbl, key) VALUES ({label}, jsonb_build_array({old}));
    END IF;
    IF TG_OP <> 'DELETE' AND (TG_OP = 'INSERT' OR ({new}) IS DISTINCT FROM ({old})) THEN
        INSERT INTO {change} (tbl, key) VALUES ({label}, jsonb_build_array({new}));
    END IF;
    RETURN NULL;
END $capture$
