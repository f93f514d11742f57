-- Endpoints with deliveries that are not finished, each with the earliest time at which one is due:
-- one probe of an index an endpoint, however many wait there.
WITH RECURSIVE waiting AS (
    (SELECT endpoint_id, next_at FROM webhooks_delivery WHERE status = 'pending'
     ORDER BY endpoint_id, next_at LIMIT 1)
    UNION ALL
    SELECT n.endpoint_id, n.next_at FROM waiting w CROSS JOIN LATERAL (
        SELECT endpoint_id, next_at FROM webhooks_delivery
        WHERE status = 'pending' AND endpoint_id > w.endpoint_id
        ORDER BY endpoint_id, next_at LIMIT 1) AS n
)
SELECT endpoint_id, next_at FROM waiting
