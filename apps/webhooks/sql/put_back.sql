-- Undo the beginning of deliveries of which nothing was sent: attempts (uuid[]), at (timestamptz[]),
-- deliveries (uuid[]), event_at (timestamptz[]).
WITH undone AS MATERIALIZED (
    SELECT * FROM unnest(%(attempt)s::uuid[], %(at)s::timestamptz[], %(delivery)s::uuid[],
                         %(event_at)s::timestamptz[]) AS u (attempt, at, delivery, event_at)
),
attempts AS (
    DELETE FROM webhooks_attempt a USING undone u WHERE a.id = u.attempt AND a.at = u.at
)
UPDATE webhooks_delivery d
SET attempts = d.attempts - 1, first_at = CASE WHEN d.attempts > 1 THEN d.first_at END
FROM undone u WHERE d.id = u.delivery AND d.event_at = u.event_at AND d.status = 'pending'
