-- One statement: whoever comes second finds the open alert, waits for its row and counts there.
INSERT INTO health_alert AS a
    (id, workspace_id, tenant_id, type, severity, title, message, metadata, count, status,
     created_at, last_at)
VALUES
    (%(id)s, %(workspace_id)s, %(tenant_id)s, %(type)s, %(severity)s, %(title)s, %(message)s,
     %(metadata)s::jsonb, 1, 'open', %(now)s, %(now)s)
ON CONFLICT (workspace_id, tenant_id, type) WHERE status = 'open'
DO UPDATE SET
    count = a.count + 1,
    last_at = greatest(a.last_at, excluded.last_at),
    -- It rises while it is open, and never falls.
    severity = CASE WHEN array_position(%(rising)s, excluded.severity)
                       > array_position(%(rising)s, a.severity)
                    THEN excluded.severity ELSE a.severity END,
    title = excluded.title,
    message = excluded.message,
    metadata = excluded.metadata
RETURNING a.id
