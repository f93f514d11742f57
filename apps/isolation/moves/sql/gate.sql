IF (SELECT p.epoch FROM public.isolation_placement p WHERE p.tenant_id = {tenant}) > {epoch} THEN
        RAISE EXCEPTION 'placement_moved' USING ERRCODE = 'serialization_failure',
            HINT = 'The tenant lives elsewhere now: ask for its connection again.';
    END IF;
