-- Move the staged rows into one Location: each event once, its rollups with it, in one statement.
-- Answers how many rows were staged and stored and, where the two differ, what the unstored ones had
-- counted, by counter. Parameter: remembered = how far back an id is looked for.
WITH staged AS MATERIALIZED (
    DELETE FROM public.metering_staging RETURNING *
),
known AS (  -- ids that a client chose and that an earlier event has, whatever its time
    SELECT s.tenant_id, s.id FROM staged s
    -- LATERAL and LIMIT make it one index probe a row: guessing, the planner would read whole months.
    -- No event is more than minutes ahead of its arrival: the upper bound leaves out the months to come
    -- (as ANY, for a pair of bounds looks so selective that the planner would take the index of times).
    CROSS JOIN LATERAL (
        SELECT FROM usage_event e
        WHERE e.tenant_id = s.tenant_id AND e.id = s.id AND e.ts > %(remembered)s
          AND e.ts < ANY (ARRAY[%(remembered)s::timestamptz + interval '38 days'])
        LIMIT 1) AS earlier
    WHERE s.has_given_id
),
stored AS (
    INSERT INTO usage_event AS e (tenant_id, id, ts, value, delta, latency_ms, status_code, success,
                                  billable, metric, mode, endpoint)
    SELECT DISTINCT ON (tenant_id, id) tenant_id, id, ts,
           CASE metric WHEN 'storage_gb' THEN units * 0.000001 ELSE units END,
           CASE metric WHEN 'storage_gb' THEN delta * 0.000001 ELSE delta END,
           latency_ms, status_code, success, billable, metric, mode, endpoint
    FROM staged s
    WHERE NOT EXISTS (SELECT FROM known k WHERE k.tenant_id = s.tenant_id AND k.id = s.id)
    ORDER BY tenant_id, id
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, metric, ts, delta, latency_ms, status_code, success
),
minutes AS MATERIALIZED (
    SELECT tenant_id, metric, minute,
           count(*) AS count,
           count(*) FILTER (WHERE success IS FALSE OR status_code >= 500) AS errors,
           count(*) FILTER (WHERE success IS NOT NULL OR status_code IS NOT NULL) AS known,
           sum(delta) AS value,
           count(latency_ms) AS latency_count,
           coalesce(sum(latency_ms), 0) AS latency_sum_ms,
           CASE WHEN count(latency_ms) > 0 THEN ARRAY[
               count(*) FILTER (WHERE bucket = 0), count(*) FILTER (WHERE bucket = 1), count(*) FILTER (WHERE bucket = 2),
               count(*) FILTER (WHERE bucket = 3), count(*) FILTER (WHERE bucket = 4), count(*) FILTER (WHERE bucket = 5),
               count(*) FILTER (WHERE bucket = 6), count(*) FILTER (WHERE bucket = 7), count(*) FILTER (WHERE bucket = 8),
               count(*) FILTER (WHERE bucket = 9), count(*) FILTER (WHERE bucket = 10), count(*) FILTER (WHERE bucket = 11),
               count(*) FILTER (WHERE bucket = 12), count(*) FILTER (WHERE bucket = 13), count(*) FILTER (WHERE bucket = 14)
           ] END AS latencies
    FROM (SELECT *, date_bin('1 minute', ts, 'epoch') AS minute,
                 width_bucket(latency_ms, %(bounds)s) AS bucket
          FROM stored) AS placed
    GROUP BY 1, 2, 3
),
minute_rows AS (
    INSERT INTO usage_minute AS u
    SELECT m.tenant_id, m.minute, m.metric, m.count, m.errors, m.known, m.value,
           m.latency_count, m.latency_sum_ms, m.latencies
    FROM minutes m
    ORDER BY m.tenant_id, m.metric, m.minute
    ON CONFLICT (tenant_id, metric, minute) DO UPDATE SET
        count = u.count + excluded.count,
        errors = u.errors + excluded.errors,
        known = u.known + excluded.known,
        value = u.value + excluded.value,
        latency_count = u.latency_count + excluded.latency_count,
        latency_sum_ms = u.latency_sum_ms + excluded.latency_sum_ms,
        latencies = CASE
            WHEN u.latencies IS NULL THEN excluded.latencies
            WHEN excluded.latencies IS NULL THEN u.latencies
            -- One by one: a subquery over both arrays costs as much as the rest of the row.
            ELSE ARRAY[
                u.latencies[1] + excluded.latencies[1], u.latencies[2] + excluded.latencies[2], u.latencies[3] + excluded.latencies[3],
                u.latencies[4] + excluded.latencies[4], u.latencies[5] + excluded.latencies[5], u.latencies[6] + excluded.latencies[6],
                u.latencies[7] + excluded.latencies[7], u.latencies[8] + excluded.latencies[8], u.latencies[9] + excluded.latencies[9],
                u.latencies[10] + excluded.latencies[10], u.latencies[11] + excluded.latencies[11], u.latencies[12] + excluded.latencies[12],
                u.latencies[13] + excluded.latencies[13], u.latencies[14] + excluded.latencies[14], u.latencies[15] + excluded.latencies[15]]
        END
),
rollup_rows AS (
    INSERT INTO usage_rollup AS u (tenant_id, grain, metric, start, count, errors, value)
    SELECT m.tenant_id, g.grain, m.metric, g.start, sum(m.count), sum(m.errors), sum(m.value)
    FROM minutes m CROSS JOIN LATERAL (VALUES
        ('hour', date_bin('1 hour', minute, 'epoch')),
        ('day', date_bin('1 day', minute, 'epoch')),
        ('month', date_trunc('month', minute, 'UTC'))) AS g (grain, start)
    GROUP BY 1, 2, 3, 4
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (tenant_id, grain, metric, start) DO UPDATE SET
        count = u.count + excluded.count,
        errors = u.errors + excluded.errors,
        value = u.value + excluded.value
)
SELECT staged, stored,
       CASE WHEN staged > stored THEN (
           SELECT jsonb_agg(jsonb_build_array(tenant_id, metric, period, owed::text))
           FROM (
               SELECT tenant_id, metric, to_char(ts AT TIME ZONE 'UTC', 'YYYYMM') AS period,
                      sum(change) AS owed
               FROM (
                   SELECT tenant_id, metric, ts, delta AS change FROM staged
                   UNION ALL
                   SELECT tenant_id, metric, ts,
                          -(CASE metric WHEN 'storage_gb' THEN delta * 1000000 ELSE delta END)::bigint
                   FROM stored
               ) AS changes
               GROUP BY 1, 2, 3 HAVING sum(change) <> 0
           ) AS owing
       ) END
FROM (SELECT (SELECT count(*) FROM staged), (SELECT count(*) FROM stored) OFFSET 0)
    AS counts (staged, stored)
