-- health_history: changes and hours, by month, so that retention is a DROP.
CREATE TABLE health_history (
    tenant_id uuid NOT NULL,
    at timestamptz NOT NULL,
    kind varchar(8) COLLATE "C" NOT NULL,
    workspace_id uuid NOT NULL,
    status varchar(16) COLLATE "C" NOT NULL,
    error_rate numeric(4, 1),
    request_rate double precision,
    events bigint NOT NULL,
    requests bigint NOT NULL,
    p50_ms double precision,
    p95_ms double precision,
    PRIMARY KEY (tenant_id, at, kind)
) PARTITION BY RANGE (at);

-- health_make_partition: one month of the history. False if it is there.
CREATE FUNCTION health_make_partition(month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    name text := 'health_history_' || to_char(month, 'YYYYMM');
BEGIN
    IF extract(day FROM month) <> 1 THEN
        RAISE EXCEPTION 'not a month: %', month USING ERRCODE = 'invalid_name';
    END IF;
    -- One at a time: a second one of the same would fail at its name.
    PERFORM pg_advisory_xact_lock(7362011);
    IF to_regclass(format('public.%I', name)) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Made apart and attached: readers and writers of the other months do not wait.
    EXECUTE format('CREATE TABLE public.%I (LIKE public.health_history INCLUDING ALL)', name);
    EXECUTE format('ALTER TABLE public.health_history ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                   name, month::timestamptz, (month + interval '1 month')::timestamptz);
    RETURN true;
END $$;

-- health_drop_partition: the end of a past month. False if it is gone already.
CREATE FUNCTION health_drop_partition(month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    name text := 'health_history_' || to_char(month, 'YYYYMM');
BEGIN
    IF extract(day FROM month) <> 1 OR month >= date_trunc('month', now()) THEN
        RAISE EXCEPTION 'not a past month: %', month USING ERRCODE = 'invalid_name';
    END IF;
    PERFORM pg_advisory_xact_lock(7362011);
    IF to_regclass(format('public.%I', name)) IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE public.%I', name);
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION health_make_partition(date), health_drop_partition(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION health_make_partition(date), health_drop_partition(date) TO tenlyr_app;
