"""The words that answers and arguments choose from. A newer server may know more of them."""

from typing import Literal

__all__ = [
    "TenantPlan",
    "TenantStatus",
    "IsolationLevel",
    "UsageMetric",
    "UsageMode",
    "HealthStatus",
    "MigrationStatus",
    "ProofStatus",
    "ProofCause",
    "AlertSeverity",
    "AlertStatus",
    "ChannelKind",
    "MessageStatus",
    "EndpointStatus",
    "DeliveryStatus",
    "EventName",
    "ReleaseStatus",
    "RolloutStatus",
    "Audience",
    "ExportFormat",
    "TargetLevel",
]

TenantPlan = Literal["starter", "growth", "scale", "enterprise"]
TenantStatus = Literal["pending", "active", "suspended", "terminated"]
IsolationLevel = Literal["shared_schema", "dedicated_schema", "dedicated_database"]
UsageMetric = Literal["api_call", "storage_gb", "seats", "compute"]
UsageMode = Literal["increment", "set", "decrement"]
HealthStatus = Literal["unknown", "healthy", "warning", "critical"]
MigrationStatus = Literal["pending", "in_progress", "completed", "failed", "rolled_back"]
ProofStatus = Literal["pending", "running", "passed", "failed", "incomplete", "broken"]
ProofCause = Literal["nightly", "api", "command", "move"]
AlertSeverity = Literal["info", "warning", "critical"]
AlertStatus = Literal["open", "resolved"]
ChannelKind = Literal["webhook", "email", "slack"]
MessageStatus = Literal["pending", "sent", "failed", "cancelled"]
EndpointStatus = Literal["enabled", "paused", "disabled"]
DeliveryStatus = Literal["pending", "delivered", "failed", "cancelled"]
EventName = Literal[
    "tenant.provisioned",
    "tenant.suspended",
    "tenant.reactivated",
    "tenant.terminated",
    "tenant.deleted",
    "tenant.plan_changed",
    "tenant.key_rotated",
    "health.critical",
    "health.recovered",
    "health.noisy_neighbour",
    "health.neighbour_quiet",
    "alert.created",
    "customer.subscription.created",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
    "isolation.migration_started",
    "isolation.migration_completed",
    "isolation.migration_failed",
    "isolation.proof_failed",
    "authz.cross_tenant_violation",
    "webhook.endpoint_failing",
    "webhook.endpoint_disabled",
    "webhook.delivery_exhausted",
    "webhook.test",
]
ReleaseStatus = Literal["published", "rolling", "paused", "failed", "done"]
RolloutStatus = Literal["rolling", "paused", "failed", "done"]

Audience = Literal["tenant", "operators"]
ExportFormat = Literal["json", "csv", "zip"]
TargetLevel = Literal["dedicated_schema", "dedicated_database"]
"""The levels that a tenant can be moved up to."""
