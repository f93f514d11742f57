-- Both rows keep their keys until the commit: neither the alert nor a channel is deleted between.
INSERT INTO health_notice (alert_id, channel_id, severity, round, created_at)
SELECT a.id, c.id, a.severity, %(round)s, %(now)s
FROM health_alert a JOIN health_channel c ON c.workspace_id = a.workspace_id
WHERE a.id = %(alert_id)s AND c.is_enabled
  AND array_position(%(rising)s, c.min_severity) <= array_position(%(rising)s, a.severity)
ORDER BY c.id
FOR KEY SHARE
ON CONFLICT (alert_id, channel_id, severity, round) DO NOTHING
