package tenlyr

// TenantPlan is what a tenant subscribed to.
type TenantPlan string

// The plans.
const (
	PlanStarter    TenantPlan = "starter"
	PlanGrowth     TenantPlan = "growth"
	PlanScale      TenantPlan = "scale"
	PlanEnterprise TenantPlan = "enterprise"
)

// TenantStatus is where a tenant is in its life; only an active one may call.
type TenantStatus string

// The states of a tenant.
const (
	TenantPending    TenantStatus = "pending"
	TenantActive     TenantStatus = "active"
	TenantSuspended  TenantStatus = "suspended"
	TenantTerminated TenantStatus = "terminated"
)

// IsolationLevel is how far a tenant's rows are from everybody else's.
type IsolationLevel string

// The levels, the lowest first.
const (
	SharedSchema      IsolationLevel = "shared_schema"
	DedicatedSchema   IsolationLevel = "dedicated_schema"
	DedicatedDatabase IsolationLevel = "dedicated_database"
)

// UsageMetric is what is counted.
type UsageMetric string

// The metrics.
const (
	MetricAPICall   UsageMetric = "api_call"
	MetricStorageGB UsageMetric = "storage_gb"
	MetricSeats     UsageMetric = "seats"
	MetricCompute   UsageMetric = "compute"
)

// UsageMode is how an event changes a gauge (storage_gb, seats); the others only increment.
type UsageMode string

// The modes.
const (
	ModeIncrement UsageMode = "increment"
	ModeSet       UsageMode = "set"
	ModeDecrement UsageMode = "decrement"
)

// HealthStatus is how a tenant fares.
type HealthStatus string

// The states of health: critical above 10 % of errors, warning from 3 %.
const (
	HealthUnknown  HealthStatus = "unknown"
	HealthHealthy  HealthStatus = "healthy"
	HealthWarning  HealthStatus = "warning"
	HealthCritical HealthStatus = "critical"
)

// MigrationStatus is how far a migration is.
type MigrationStatus string

// The states of a migration; completed, failed and rolled back are its ends.
const (
	MigrationPending    MigrationStatus = "pending"
	MigrationInProgress MigrationStatus = "in_progress"
	MigrationCompleted  MigrationStatus = "completed"
	MigrationFailed     MigrationStatus = "failed"
	MigrationRolledBack MigrationStatus = "rolled_back"
)

// ProofStatus is how a proof of isolation went.
type ProofStatus string

// The states of a proof.
const (
	ProofPending    ProofStatus = "pending"
	ProofRunning    ProofStatus = "running"
	ProofPassed     ProofStatus = "passed"
	ProofFailed     ProofStatus = "failed"
	ProofIncomplete ProofStatus = "incomplete"
	ProofBroken     ProofStatus = "broken"
)

// ProofCause is why a proof was made.
type ProofCause string

// The causes of a proof.
const (
	ProofNightly ProofCause = "nightly"
	ProofAPI     ProofCause = "api"
	ProofCommand ProofCause = "command"
	ProofMove    ProofCause = "move"
)

// AlertSeverity is how bad what an alert tells is.
type AlertSeverity string

// The severities, the least first.
const (
	SeverityInfo     AlertSeverity = "info"
	SeverityWarning  AlertSeverity = "warning"
	SeverityCritical AlertSeverity = "critical"
)

// AlertStatus tells whether an alert still stands.
type AlertStatus string

// The states of an alert.
const (
	AlertOpen     AlertStatus = "open"
	AlertResolved AlertStatus = "resolved"
)

// ChannelKind is how a channel reaches people.
type ChannelKind string

// The kinds of channels.
const (
	ChannelWebhook ChannelKind = "webhook"
	ChannelEmail   ChannelKind = "email"
	ChannelSlack   ChannelKind = "slack"
)

// MessageStatus is how a channel's message fared.
type MessageStatus string

// The states of a message.
const (
	MessagePending   MessageStatus = "pending"
	MessageSent      MessageStatus = "sent"
	MessageFailed    MessageStatus = "failed"
	MessageCancelled MessageStatus = "cancelled"
)

// EndpointStatus tells whether an endpoint gets deliveries.
type EndpointStatus string

// The states of an endpoint.
const (
	EndpointEnabled  EndpointStatus = "enabled"
	EndpointPaused   EndpointStatus = "paused"
	EndpointDisabled EndpointStatus = "disabled"
)

// DeliveryStatus is how an event's way to an endpoint went.
type DeliveryStatus string

// The states of a delivery.
const (
	DeliveryPending   DeliveryStatus = "pending"
	DeliveryDelivered DeliveryStatus = "delivered"
	DeliveryFailed    DeliveryStatus = "failed"
	DeliveryCancelled DeliveryStatus = "cancelled"
)

// ReleaseStatus is how far a release of the operator's tables is.
type ReleaseStatus string

// The states of a release.
const (
	ReleasePublished ReleaseStatus = "published"
	ReleaseRolling   ReleaseStatus = "rolling"
	ReleasePaused    ReleaseStatus = "paused"
	ReleaseFailed    ReleaseStatus = "failed"
	ReleaseDone      ReleaseStatus = "done"
)

// RolloutStatus is how far a roll-out is.
type RolloutStatus string

// The states of a roll-out.
const (
	RolloutRolling RolloutStatus = "rolling"
	RolloutPaused  RolloutStatus = "paused"
	RolloutFailed  RolloutStatus = "failed"
	RolloutDone    RolloutStatus = "done"
)

// ExportFormat is the form of a tenant's export.
type ExportFormat string

// The formats of an export.
const (
	ExportJSON ExportFormat = "json"
	ExportCSV  ExportFormat = "csv"
	ExportZIP  ExportFormat = "zip"
)

// EventAudience is whose endpoints hear of an event.
type EventAudience string

// The audiences: AudienceOperators is the workspace's endpoints only, AudienceTenant the tenant's
// own, too.
const (
	AudienceTenant    EventAudience = "tenant"
	AudienceOperators EventAudience = "operators"
)

// EventType is what happened.
type EventType string

// The types of events.
const (
	EventAll                         EventType = "*" // Of an endpoint: whatever happens.
	EventTenantProvisioned           EventType = "tenant.provisioned"
	EventTenantSuspended             EventType = "tenant.suspended"
	EventTenantReactivated           EventType = "tenant.reactivated"
	EventTenantTerminated            EventType = "tenant.terminated"
	EventTenantDeleted               EventType = "tenant.deleted"
	EventTenantPlanChanged           EventType = "tenant.plan_changed"
	EventTenantKeyRotated            EventType = "tenant.key_rotated"
	EventHealthCritical              EventType = "health.critical"
	EventHealthRecovered             EventType = "health.recovered"
	EventHealthNoisyNeighbour        EventType = "health.noisy_neighbour"
	EventHealthNeighbourQuiet        EventType = "health.neighbour_quiet"
	EventAlertCreated                EventType = "alert.created"
	EventCustomerSubscriptionCreated EventType = "customer.subscription.created"
	EventInvoicePaymentSucceeded     EventType = "invoice.payment_succeeded"
	EventInvoicePaymentFailed        EventType = "invoice.payment_failed"
	EventIsolationMigrationStarted   EventType = "isolation.migration_started"
	EventIsolationMigrationCompleted EventType = "isolation.migration_completed"
	EventIsolationMigrationFailed    EventType = "isolation.migration_failed"
	EventIsolationProofFailed        EventType = "isolation.proof_failed"
	EventAuthzCrossTenantViolation   EventType = "authz.cross_tenant_violation"
	EventWebhookEndpointFailing      EventType = "webhook.endpoint_failing"
	EventWebhookEndpointDisabled     EventType = "webhook.endpoint_disabled"
	EventWebhookDeliveryExhausted    EventType = "webhook.delivery_exhausted"
	EventWebhookTest                 EventType = "webhook.test"
)
