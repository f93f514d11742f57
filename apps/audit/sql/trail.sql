-- audit_hash: what an entry's hash covers. Times as microseconds, so that no setting changes the text.
CREATE FUNCTION audit_hash(workspace uuid, seq bigint, at timestamptz, tenant uuid, body jsonb, prev bytea)
RETURNS bytea LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT sha256(prev || convert_to(concat_ws('|', workspace, seq,
        (extract(epoch FROM at) * 1000000)::bigint, coalesce(tenant::text, ''), body::text), 'UTF8'))
$$;

-- audit_add: append one entry to its workspace's chain. The chain's tip is locked until commit.
CREATE FUNCTION audit_add(workspace uuid, tenant uuid, body jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tip record;
    moment CONSTANT timestamptz := clock_timestamp();
    number bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audit ' || workspace, 0));
    SELECT seq, hash INTO tip FROM public.audit_auditentry
    WHERE workspace_id = workspace ORDER BY seq DESC LIMIT 1;
    number := coalesce(tip.seq, 0) + 1;
    INSERT INTO public.audit_auditentry (workspace_id, seq, at, tenant_id, body, prev, hash)
    VALUES (workspace, number, moment, tenant, body, coalesce(tip.hash, ''),
            public.audit_hash(workspace, number, moment, tenant, body, coalesce(tip.hash, '')));
    RETURN number;
END $$;

-- audit_first_break: the first entry whose hash or link is wrong, or null when the chain is whole.
CREATE FUNCTION audit_first_break(workspace uuid) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT min(seq) FROM (
        SELECT seq, hash, prev,
               public.audit_hash(workspace_id, seq, at, tenant_id, body, prev) AS expected,
               lag(hash, 1, ''::bytea) OVER chain AS before,
               row_number() OVER chain AS number
        FROM public.audit_auditentry WHERE workspace_id = workspace
        WINDOW chain AS (ORDER BY seq)
    ) entry WHERE hash <> expected OR prev <> before OR seq <> number
$$;

REVOKE INSERT, UPDATE, DELETE ON audit_auditentry FROM tenlyr_app;
REVOKE ALL ON FUNCTION audit_add(uuid, uuid, jsonb), audit_first_break(uuid),
    audit_hash(uuid, bigint, timestamptz, uuid, jsonb, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_add(uuid, uuid, jsonb), audit_first_break(uuid),
    audit_hash(uuid, bigint, timestamptz, uuid, jsonb, bytea) TO tenlyr_app;
