-- What metering needs in the schema `public` of every database with Locations. Run as the owner, at set-up
-- and at every upgrade: each statement may be repeated.

-- metering_staging: where a store transaction's rows land by COPY, which RLS forbids on the usage tables.
-- Each transaction empties it again, so that none ever sees another's rows; the app's role cannot see it.
CREATE UNLOGGED TABLE IF NOT EXISTS public.metering_staging (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    ts timestamptz NOT NULL,
    units bigint NOT NULL,
    has_given_id boolean NOT NULL,
    billable boolean NOT NULL,
    metric text COLLATE "C" NOT NULL,
    mode text COLLATE "C",
    success boolean,
    status_code smallint,
    latency_ms double precision,
    endpoint text,
    delta bigint NOT NULL
) WITH (autovacuum_enabled = false);

-- metering_empty_staging: give the space of staging back, once its dead rows are worth a lock.
CREATE OR REPLACE FUNCTION public.metering_empty_staging(most_bytes bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_relation_size('public.metering_staging') <= most_bytes THEN
        RETURN false;
    END IF;
    TRUNCATE public.metering_staging;
    RETURN true;
END $$;

-- metering_is_usage: whether a Location's schema has this partitioned table; nothing else is ever touched.
CREATE OR REPLACE FUNCTION public.metering_is_usage(target text, parent text) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT target ~ '^(tenlyr_shared|t_[0-9a-f]{32})$' AND parent IN ('usage_event', 'usage_minute')
       AND to_regclass(format('%I.%I', target, parent)) IS NOT NULL
$$;

-- metering_make_partition: one month of a usage table, fenced like its parent. False if it is there.
CREATE OR REPLACE FUNCTION public.metering_make_partition(target text, parent text, month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    name text := parent || '_' || to_char(month, 'YYYYMM');
BEGIN
    IF extract(day FROM month) <> 1 OR NOT public.metering_is_usage(target, parent) THEN
        RAISE EXCEPTION 'not a month of a usage table: % % %', target, parent, month
            USING ERRCODE = 'invalid_name';
    END IF;
    IF to_regclass(format('%I.%I', target, name)) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Made apart and attached: readers and writers of the other months do not wait.
    -- Rows of minutes are changed until their minute is over: room on the page keeps that cheap.
    EXECUTE format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING ALL) WITH (fillfactor = %s)',
                   target, name, target, parent, CASE parent WHEN 'usage_minute' THEN 70 ELSE 100 END);
    EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
                   target, name);
    EXECUTE format('ALTER TABLE %I.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
                   target, parent, target, name, month::timestamptz,
                   (month + interval '1 month')::timestamptz);
    RETURN true;
END $$;

-- metering_drop_partition: the end of a month that retention no longer covers, and of no younger one.
CREATE OR REPLACE FUNCTION public.metering_drop_partition(target text, parent text, month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    IF month > date_trunc('month', now()) - interval '2 months'
       OR NOT public.metering_is_usage(target, parent) THEN
        RAISE EXCEPTION 'not a past month of a usage table: % % %', target, parent, month
            USING ERRCODE = 'invalid_name';
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS %I.%I', target, parent || '_' || to_char(month, 'YYYYMM'));
END $$;

REVOKE ALL ON FUNCTION public.metering_empty_staging(bigint), public.metering_is_usage(text, text),
    public.metering_make_partition(text, text, date), public.metering_drop_partition(text, text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.metering_empty_staging(bigint),
    public.metering_make_partition(text, text, date), public.metering_drop_partition(text, text, date)
    TO tenlyr_fleet;
-- What set-up gives to the app's role by default is taken back: this table is the fleet role's alone.
REVOKE ALL ON public.metering_staging FROM tenlyr_app;
GRANT SELECT, INSERT, DELETE ON public.metering_staging TO tenlyr_fleet;
