-- What became of attempts, and of their deliveries. Arrays of equal length; a delivery that somebody
-- finished or cancelled meanwhile keeps what it has. Answers which have failed for good now.
WITH ended AS MATERIALIZED (
    SELECT * FROM unnest(
        %(attempt)s::uuid[], %(at)s::timestamptz[], %(delivery)s::uuid[], %(event_at)s::timestamptz[],
        %(outcome)s::text[], %(status)s::int[], %(latency_ms)s::float8[], %(reason)s::text[],
        %(headers)s::jsonb[], %(response)s::text[], %(state)s::text[], %(next_at)s::timestamptz[],
        %(failed)s::int[])
        AS e (attempt, at, delivery, event_at, outcome, status, latency_ms, reason, headers, response,
              state, next_at, failed)
),
attempts AS (
    UPDATE webhooks_attempt a
    SET outcome = e.outcome, status = e.status, latency_ms = e.latency_ms, reason = e.reason,
        headers = e.headers, response = e.response
    FROM ended e WHERE a.id = e.attempt AND a.at = e.at
),
deliveries AS (
    UPDATE webhooks_delivery d
    SET status = e.state, next_at = e.next_at, failures = d.failures + e.failed,
        finished_at = CASE WHEN e.state <> 'pending' THEN %(now)s::timestamptz END
    FROM ended e WHERE d.id = e.delivery AND d.event_at = e.event_at AND d.status = 'pending'
    RETURNING d.id, d.status
)
SELECT id FROM deliveries WHERE status = 'failed'
