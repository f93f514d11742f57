-- Deliveries of the oldest events that have none yet: one per event and endpoint that wants it.
-- What is about an endpoint is not sent there: it would fail as what it tells of did.
-- Answers how many events, how many deliveries. Parameter: most = events at once.
WITH batch AS MATERIALIZED (
    SELECT id, type, workspace_id, tenant_id, created_at, seq, is_for_operators,
           CASE WHEN type LIKE 'webhook.%%' THEN data ->> 'endpointId' END AS about
    FROM webhooks_outboxevent
    WHERE NOT is_fanned_out ORDER BY seq LIMIT %(most)s FOR UPDATE SKIP LOCKED
),
done AS (
    UPDATE webhooks_outboxevent o SET is_fanned_out = true FROM batch b WHERE o.id = b.id
),
made AS (
    INSERT INTO webhooks_delivery (event_id, event_at, endpoint_id, workspace_id, tenant_id, lane, type,
                                   next_at, created_at)
    SELECT b.id, b.created_at, e.id, b.workspace_id, b.tenant_id, coalesce(b.tenant_id, b.workspace_id),
           b.type, b.created_at, now()
    FROM batch b JOIN webhooks_endpoint e ON e.workspace_id = b.workspace_id
        AND e.status <> 'disabled'
        AND (e.tenant_id IS NULL OR (e.tenant_id = b.tenant_id AND NOT b.is_for_operators))
        AND b.about IS DISTINCT FROM e.id::text
        AND e.events && ARRAY['*', b.type]::varchar[]
    ORDER BY b.seq
    ON CONFLICT DO NOTHING
    RETURNING endpoint_id
)
SELECT (SELECT count(*) FROM batch), (SELECT count(*) FROM made)
