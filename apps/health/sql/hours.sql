-- An hour of each tenant that was seen, with the worst status that it had in it: by the hour's own
-- numbers, by the changes in it, by what it was when the hour began. A second time writes the same.
WITH seen AS (
    SELECT tenant_id, events, requests, p50_ms, p95_ms,
           {error_rate} AS error_rate
    FROM unnest(%(tenants)s::uuid[], %(events)s::float8[], %(known)s::float8[],
                %(errors)s::float8[], %(requests)s::float8[],
                %(p50_ms)s::float8[], %(p95_ms)s::float8[])
        AS seen (tenant_id, events, known, errors, requests, p50_ms, p95_ms)
)
INSERT INTO health_history AS h (tenant_id, at, kind, workspace_id, status, error_rate,
                                 request_rate, events, requests, p50_ms, p95_ms)
SELECT s.tenant_id, %(since)s, 'hour', c.workspace_id, worst.status, s.error_rate,
       round(s.requests / 6) / 10, s.events, s.requests, s.p50_ms, s.p95_ms
FROM seen s JOIN health_current c ON c.tenant_id = s.tenant_id
CROSS JOIN LATERAL (
    SELECT w.status FROM (
        SELECT {status} AS status
        UNION ALL
        SELECT h.status FROM health_history h
        WHERE h.tenant_id = s.tenant_id AND h.kind = 'change'
          AND h.at >= %(since)s AND h.at < %(until)s
        UNION ALL
        (SELECT h.status FROM health_history h
         WHERE h.tenant_id = s.tenant_id AND h.kind = 'change'
           AND h.at < %(since)s AND h.at >= %(since)s - interval '35 days'
         ORDER BY h.at DESC LIMIT 1)
    ) AS w ORDER BY {rank} DESC LIMIT 1
) AS worst
ORDER BY s.tenant_id
ON CONFLICT (tenant_id, at, kind) DO UPDATE SET
    status = excluded.status, error_rate = excluded.error_rate,
    request_rate = excluded.request_rate, events = excluded.events,
    requests = excluded.requests, p50_ms = excluded.p50_ms, p95_ms = excluded.p95_ms
