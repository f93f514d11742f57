-- webhooks_uuid7: a version 7 UUID, as `core.ids` makes them: milliseconds in front, the rest random.
CREATE FUNCTION webhooks_uuid7() RETURNS uuid
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
    SELECT (lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
            || '7' || substr(random, 14))::uuid
    FROM (SELECT replace(gen_random_uuid()::text, '-', '') AS random) AS made
$$;

CREATE SEQUENCE webhooks_turn AS bigint CACHE 1;

CREATE TABLE webhooks_delivery (
    id uuid NOT NULL DEFAULT webhooks_uuid7(),
    event_id varchar(30) NOT NULL,
    event_at timestamptz NOT NULL,
    endpoint_id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    tenant_id uuid,
    lane uuid NOT NULL,
    type varchar(64) NOT NULL,
    replay bigint NOT NULL DEFAULT 0,
    is_test boolean NOT NULL DEFAULT false,
    turn bigint NOT NULL DEFAULT nextval('webhooks_turn'),
    status varchar(16) NOT NULL DEFAULT 'pending',
    attempts smallint NOT NULL DEFAULT 0,
    failures smallint NOT NULL DEFAULT 0,
    next_at timestamptz,
    first_at timestamptz,
    finished_at timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id, event_at),
    CONSTRAINT webhooks_delivery_once UNIQUE (event_id, endpoint_id, replay, event_at),
    CHECK (status IN ('pending', 'delivered', 'failed', 'cancelled')),
    CHECK (status <> 'pending' OR next_at IS NOT NULL)
) PARTITION BY RANGE (event_at);
CREATE INDEX webhooks_delivery_workspace ON webhooks_delivery (workspace_id, id DESC);
CREATE INDEX webhooks_delivery_endpoint ON webhooks_delivery (endpoint_id, id DESC);
CREATE INDEX webhooks_delivery_tenant ON webhooks_delivery (tenant_id, id DESC) WHERE tenant_id IS NOT NULL;
-- What is left to do is small beside the log: both are partial, and each look is a few probes.
CREATE INDEX webhooks_delivery_due ON webhooks_delivery (endpoint_id, next_at) WHERE status = 'pending';
CREATE INDEX webhooks_delivery_lanes ON webhooks_delivery (endpoint_id, lane, turn) WHERE status = 'pending';

CREATE TABLE webhooks_attempt (
    id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    number smallint NOT NULL,
    at timestamptz NOT NULL,
    outcome varchar(24),
    status smallint,
    latency_ms double precision,
    reason varchar(200) NOT NULL DEFAULT '',
    headers jsonb NOT NULL DEFAULT '{}',
    response varchar(1024) NOT NULL DEFAULT '',
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX webhooks_attempt_delivery ON webhooks_attempt (delivery_id, number);

-- webhooks_make_partition: one month of the log. False if it is there.
CREATE FUNCTION webhooks_make_partition(parent text, month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    name CONSTANT text := parent || '_' || to_char(month, 'YYYYMM');
BEGIN
    IF extract(day FROM month) <> 1 OR parent NOT IN ('webhooks_delivery', 'webhooks_attempt') THEN
        RAISE EXCEPTION 'not a month of the webhook log: % %', parent, month USING ERRCODE = 'invalid_name';
    END IF;
    IF to_regclass('public.' || quote_ident(name)) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Made apart and attached: readers and writers of the other months do not wait. Rows change a few
    -- times in their life: room on the page keeps that cheap.
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING ALL) WITH (fillfactor = 80)', name, parent);
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, name, month::timestamptz, (month + interval '1 month')::timestamptz);
    RETURN true;
END $$;

-- webhooks_drop_partition: the end of a month that retention no longer covers, and of no younger one.
CREATE FUNCTION webhooks_drop_partition(parent text, month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    IF month > date_trunc('month', now()) - interval '2 months'
       OR parent NOT IN ('webhooks_delivery', 'webhooks_attempt') THEN
        RAISE EXCEPTION 'not a past month of the webhook log: % %', parent, month USING ERRCODE = 'invalid_name';
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS public.%I', parent || '_' || to_char(month, 'YYYYMM'));
END $$;

REVOKE ALL ON FUNCTION webhooks_uuid7(), webhooks_make_partition(text, date), webhooks_drop_partition(text, date)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION webhooks_uuid7(), webhooks_make_partition(text, date), webhooks_drop_partition(text, date)
    TO tenlyr_app;

SELECT webhooks_make_partition(parent, month::date)
FROM unnest(ARRAY['webhooks_delivery', 'webhooks_attempt']) AS parent,
     generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'),
                     date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month', interval '1 month') AS month;
