-- metering_staging: where a store transaction's rows land by COPY, which RLS forbids on the usage tables.
-- Each transaction empties it again, so that none ever sees another's rows; the app's role cannot see it.
CREATE UNLOGGED TABLE metering_staging (
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
CREATE FUNCTION metering_empty_staging(most_bytes bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF pg_relation_size('public.metering_staging') <= most_bytes THEN
        RETURN false;
    END IF;
    TRUNCATE public.metering_staging;
    RETURN true;
END $$;

-- metering_make_partition: one month of a usage table, fenced like its parent. False if it is there.
CREATE FUNCTION metering_make_partition(target text, parent text, month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    name text := parent || '_' || to_char(month, 'YYYYMM');
BEGIN
    IF parent NOT IN ('usage_event', 'usage_minute') OR extract(day FROM month) <> 1 OR NOT EXISTS (
        SELECT 1 FROM public.isolation_location WHERE schema_name = target
    ) THEN
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
CREATE FUNCTION metering_drop_partition(target text, parent text, month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    IF parent NOT IN ('usage_event', 'usage_minute')
       OR month > date_trunc('month', now()) - interval '2 months' OR NOT EXISTS (
        SELECT 1 FROM public.isolation_location WHERE schema_name = target
    ) THEN
        RAISE EXCEPTION 'not a past month of a usage table: % % %', target, parent, month
            USING ERRCODE = 'invalid_name';
    END IF;
    EXECUTE format('DROP TABLE IF EXISTS %I.%I', target, parent || '_' || to_char(month, 'YYYYMM'));
END $$;

REVOKE ALL ON FUNCTION metering_empty_staging(bigint), metering_make_partition(text, text, date),
    metering_drop_partition(text, text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metering_empty_staging(bigint), metering_make_partition(text, text, date),
    metering_drop_partition(text, text, date) TO tenlyr_fleet;

-- What set-up gives to the app's role by default is taken back: these tables are the fleet role's alone.
REVOKE ALL ON metering_staging, metering_shard FROM tenlyr_app;
REVOKE INSERT, UPDATE, DELETE ON metering_dead_letter FROM tenlyr_app;
GRANT SELECT, INSERT, DELETE ON metering_staging TO tenlyr_fleet;
GRANT SELECT, UPDATE ON metering_shard TO tenlyr_fleet;
GRANT SELECT, INSERT, DELETE ON metering_dead_letter TO tenlyr_fleet;
GRANT USAGE ON SEQUENCE metering_dead_letter_id_seq TO tenlyr_fleet;

INSERT INTO metering_shard (shard, corrections) SELECT shard, '[]' FROM generate_series(0, 63) AS shard;
