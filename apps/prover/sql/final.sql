-- A finished proof is final, and no proof is ever deleted: whatever the app's role is made to do.
CREATE FUNCTION prover_is_final() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.finished_at IS NOT NULL THEN
        RAISE EXCEPTION 'a proof is kept as it is' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER prover_is_final BEFORE UPDATE OR DELETE ON prover_proof
    FOR EACH ROW EXECUTE FUNCTION prover_is_final();
