-- Begin the deliveries that are due: an attempt of each is written down before anything is sent (R9).
-- Parameters: endpoints (uuid[]), rooms (int[]) = how many each may begin, is_ordered (bool[]),
-- busy (uuid[]) = deliveries that are begun already, now.
WITH RECURSIVE asked AS (
    SELECT * FROM unnest(%(endpoints)s::uuid[], %(rooms)s::int[], %(is_ordered)s::bool[])
        AS a (endpoint_id, room, is_ordered)
),
heads AS (  -- the oldest of each lane, where order is kept: the others wait for it
    SELECT a.endpoint_id, first.lane, first.id, first.event_at, first.next_at
    FROM asked a CROSS JOIN LATERAL (
        SELECT lane, id, event_at, next_at FROM webhooks_delivery d
        WHERE d.endpoint_id = a.endpoint_id AND d.status = 'pending' ORDER BY lane, turn LIMIT 1) AS first
    WHERE a.is_ordered
    UNION ALL
    SELECT h.endpoint_id, next.lane, next.id, next.event_at, next.next_at
    FROM heads h CROSS JOIN LATERAL (
        SELECT lane, id, event_at, next_at FROM webhooks_delivery d
        WHERE d.endpoint_id = h.endpoint_id AND d.status = 'pending' AND d.lane > h.lane
        ORDER BY lane, turn LIMIT 1) AS next
),
due AS MATERIALIZED (
    SELECT one.id, one.event_at FROM asked a CROSS JOIN LATERAL (
        SELECT id, event_at FROM webhooks_delivery d
        WHERE d.endpoint_id = a.endpoint_id AND d.status = 'pending' AND d.next_at <= %(now)s
          AND d.id <> ALL (%(busy)s::uuid[])
        ORDER BY d.next_at LIMIT a.room) AS one
    WHERE NOT a.is_ordered
    UNION ALL
    SELECT one.id, one.event_at FROM asked a CROSS JOIN LATERAL (
        SELECT id, event_at FROM heads h
        WHERE h.endpoint_id = a.endpoint_id AND h.next_at <= %(now)s AND h.id <> ALL (%(busy)s::uuid[])
        ORDER BY h.next_at LIMIT a.room) AS one
    WHERE a.is_ordered
),
begun AS (
    UPDATE webhooks_delivery d SET attempts = d.attempts + 1, first_at = coalesce(d.first_at, %(now)s)
    FROM due WHERE d.id = due.id AND d.event_at = due.event_at AND d.status = 'pending'
    RETURNING d.*
),
noted AS (
    INSERT INTO webhooks_attempt (id, delivery_id, number, at)
    SELECT webhooks_uuid7(), id, attempts, %(now)s FROM begun
    RETURNING id, delivery_id
)
SELECT b.id, b.event_at, b.endpoint_id, b.event_id, b.attempts, b.failures, b.first_at, b.is_test,
       n.id, o.type, o.created_at, o.data::text
FROM begun b JOIN noted n ON n.delivery_id = b.id LEFT JOIN webhooks_outboxevent o ON o.id = b.event_id
ORDER BY b.next_at, b.turn
