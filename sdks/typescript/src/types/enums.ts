/** What has one of a few values: as a list at run time, and as a type. */

/** Plans, the smallest first. */
export const TENANT_PLANS = ["starter", "growth", "scale", "enterprise"] as const;
/** A tenant's plan. */
export type TenantPlan = (typeof TENANT_PLANS)[number];

/** States of a tenant. */
export const TENANT_STATUSES = ["pending", "active", "suspended", "terminated"] as const;
/** A tenant's state; its keys work in `active` only. */
export type TenantStatus = (typeof TENANT_STATUSES)[number];

/** Levels of isolation, the lowest first. */
export const ISOLATION_LEVELS = [
  "shared_schema",
  "dedicated_schema",
  "dedicated_database",
] as const;
/** Where a tenant's rows live. */
export type IsolationLevel = (typeof ISOLATION_LEVELS)[number];

/** What is counted. */
export const USAGE_METRICS = ["api_call", "storage_gb", "seats", "compute"] as const;
/** What an event counts. */
export type UsageMetric = (typeof USAGE_METRICS)[number];

/** How a gauge (`storage_gb`, `seats`) changes; the others only increment. */
export const USAGE_MODES = ["increment", "set", "decrement"] as const;
/** How an event changes its metric. */
export type UsageMode = (typeof USAGE_MODES)[number];

/** How a tenant can be. */
export const HEALTH_STATUSES = ["unknown", "healthy", "warning", "critical"] as const;
/** How a tenant is. */
export type HealthStatus = (typeof HEALTH_STATUSES)[number];

/** Severities, the lowest first. */
export const SEVERITIES = ["info", "warning", "critical"] as const;
/** How bad an alert is. */
export type Severity = (typeof SEVERITIES)[number];

/** States of an alert. */
export const ALERT_STATUSES = ["open", "resolved"] as const;
/** An alert's state. */
export type AlertStatus = (typeof ALERT_STATUSES)[number];

/** Kinds of channels that carry alerts. */
export const CHANNEL_KINDS = ["webhook", "email", "slack"] as const;
/** A channel's kind. */
export type ChannelKind = (typeof CHANNEL_KINDS)[number];

/** States of a message to a channel. */
export const MESSAGE_STATUSES = ["pending", "sent", "failed", "cancelled"] as const;
/** A message's state. */
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

/** States of a migration. */
export const MIGRATION_STATUSES = [
  "pending",
  "in_progress",
  "completed",
  "failed",
  "rolled_back",
] as const;
/** A migration's state: it ends as completed or failed, and may be rolled back later. */
export type MigrationStatus = (typeof MIGRATION_STATUSES)[number];

/** States of a proof. */
export const PROOF_STATUSES = [
  "pending",
  "running",
  "passed",
  "failed",
  "incomplete",
  "broken",
] as const;
/** A proof's state. */
export type ProofStatus = (typeof PROOF_STATUSES)[number];

/** Why a proof was made. */
export const PROOF_CAUSES = ["nightly", "api", "command", "move"] as const;
/** Why a proof was made. */
export type ProofCause = (typeof PROOF_CAUSES)[number];

/** States of a webhook endpoint. */
export const ENDPOINT_STATUSES = ["enabled", "paused", "disabled"] as const;
/** An endpoint's state. */
export type EndpointStatus = (typeof ENDPOINT_STATUSES)[number];

/** States of a delivery. */
export const DELIVERY_STATUSES = ["pending", "delivered", "failed", "cancelled"] as const;
/** A delivery's state. */
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** Who hears of a type of event. */
export const EVENT_AUDIENCES = ["tenant", "operators"] as const;
/** `tenant`: told at the workspace's endpoints and the tenant's own; `operators`: the former. */
export type EventAudience = (typeof EVENT_AUDIENCES)[number];

/** States of a release of the operator's tables. */
export const RELEASE_STATUSES = ["published", "rolling", "paused", "failed", "done"] as const;
/** A release's state. */
export type ReleaseStatus = (typeof RELEASE_STATUSES)[number];

/** States of a roll-out. */
export const ROLLOUT_STATUSES = ["rolling", "paused", "failed", "done"] as const;
/** A roll-out's state. */
export type RolloutStatus = (typeof ROLLOUT_STATUSES)[number];

/** Every type of event that webhooks carry. */
export const EVENT_TYPES = [
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
] as const;
/** A type of event. */
export type EventTypeName = (typeof EVENT_TYPES)[number];
