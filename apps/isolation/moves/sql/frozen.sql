-- The same function once the tenant has left: whoever still writes here is sent on.
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $capture$
BEGIN
    RAISE EXCEPTION 'placement_moved' USING ERRCODE = 'serialization_failure',
        HINT = 'The tenant lives elsewhere now: ask for its connection again.';
END $capture$
