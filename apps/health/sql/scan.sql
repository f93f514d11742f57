-- Judge every tenant that was seen. The numbers of those whose status stays are renewed; answered
-- are those whose row changes in another way: tenant, status before, status after, numbers.
WITH seen AS MATERIALIZED (
    SELECT tenant_id, {error_rate} AS error_rate,
           round(10 * requests / %(minutes)s::float8) / 10 AS request_rate, p50_ms, p95_ms
    FROM unnest(%(tenants)s::uuid[], %(events)s::float8[], %(known)s::float8[],
                %(errors)s::float8[], %(requests)s::float8[],
                %(p50_ms)s::float8[], %(p95_ms)s::float8[])
        AS seen (tenant_id, events, known, errors, requests, p50_ms, p95_ms)
),
judged AS MATERIALIZED (
    SELECT *, {status} AS status FROM seen
),
renewed AS (
    UPDATE health_current c SET error_rate = j.error_rate, request_rate = j.request_rate,
                                p50_ms = j.p50_ms, p95_ms = j.p95_ms
    FROM judged j WHERE c.tenant_id = j.tenant_id AND c.status = j.status
     AND (c.error_rate, c.request_rate, c.p50_ms, c.p95_ms)
         IS DISTINCT FROM (j.error_rate, j.request_rate, j.p50_ms, j.p95_ms)
)
SELECT coalesce(j.tenant_id, c.tenant_id), c.status, coalesce(j.status, 'unknown'),
       j.error_rate, j.request_rate, j.p50_ms, j.p95_ms
FROM judged j FULL JOIN health_current c ON c.tenant_id = j.tenant_id
WHERE c.tenant_id IS NULL
   OR c.status <> coalesce(j.status, 'unknown')
   OR (j.tenant_id IS NULL AND (c.request_rate IS NOT NULL
       OR (c.is_alarmed AND c.since < %(silent_since)s
           AND c.tenant_id <> ALL (%(unseen)s::uuid[]))))
