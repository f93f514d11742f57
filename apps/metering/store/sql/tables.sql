-- Texts have a length, so that no row can be too long for its page: Postgres then makes no table for
-- long values beside it, which would be two more files a tenant.

-- usage_event: every event, once. Months as partitions, so that retention is a DROP.
CREATE TABLE usage_event (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    ts timestamptz NOT NULL,
    value numeric(20, 6) NOT NULL,
    delta numeric(22, 6) NOT NULL,
    latency_ms double precision,
    status_code smallint,
    success boolean,
    billable boolean NOT NULL,
    metric varchar(32) COLLATE "C" NOT NULL,
    mode varchar(16) COLLATE "C",
    endpoint varchar(255),
    PRIMARY KEY (tenant_id, id, ts)
) PARTITION BY RANGE (ts);
CREATE INDEX usage_event_newest ON usage_event (tenant_id, ts DESC, id DESC);

-- usage_minute: what the last minutes were like, for health.
CREATE TABLE usage_minute (
    tenant_id uuid NOT NULL,
    minute timestamptz NOT NULL,
    metric varchar(32) COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    errors bigint NOT NULL,
    known bigint NOT NULL,
    value numeric(30, 6) NOT NULL,
    latency_count bigint NOT NULL,
    latency_sum_ms double precision NOT NULL,
    latencies bigint[],
    PRIMARY KEY (tenant_id, metric, minute)
) PARTITION BY RANGE (minute);

-- usage_rollup: hours, days and months. Small: not partitioned, months are kept for ever.
CREATE TABLE usage_rollup (
    tenant_id uuid NOT NULL,
    start timestamptz NOT NULL,
    grain varchar(8) COLLATE "C" NOT NULL,
    metric varchar(32) COLLATE "C" NOT NULL,
    count bigint NOT NULL,
    errors bigint NOT NULL,
    value numeric(30, 6) NOT NULL,
    PRIMARY KEY (tenant_id, grain, metric, start)
) WITH (fillfactor = 70);
-- What a rebuild of all counters reads.
CREATE INDEX usage_rollup_months ON usage_rollup (start) WHERE grain = 'month';
