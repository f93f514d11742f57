package tenlyr

import (
	"time"
)

// Tenant is a tenant as every answer shows it.
type Tenant struct {
	ID             string         `json:"id"`
	Name           string         `json:"name"`
	OwnerEmail     string         `json:"ownerEmail"`
	Plan           TenantPlan     `json:"plan"`
	Status         TenantStatus   `json:"status"`
	Region         string         `json:"region"`
	IsolationLevel IsolationLevel `json:"isolationLevel"`
	// The key's first 16 characters, for display.
	APIKeyPrefix string `json:"apiKeyPrefix"`
	// The tenant's last authenticated call, up to a minute late.
	LastActiveAt *time.Time `json:"lastActiveAt"`
	CreatedAt    time.Time  `json:"createdAt"`
}

// TenantPage is a page of tenants, the newest first.
type TenantPage struct {
	Data []Tenant `json:"data"`
	// Nil on the last page.
	NextCursor *string `json:"nextCursor"`
}

// CreatedTenant is a new tenant with its key, and the migration to the level it is to have.
type CreatedTenant struct {
	Tenant Tenant `json:"tenant"`
	APIKey string `json:"apiKey"`
	// Only for a tenant that is to have a database of its own.
	Migration *Migration `json:"migration,omitempty"`
}

// TenantWithKey is a tenant with its new key: the only time the key is shown.
type TenantWithKey struct {
	Tenant Tenant `json:"tenant"`
	APIKey string `json:"apiKey"`
}

// DashboardTenant is one tenant with usage of this month, health and money. A limit of null
// means any amount.
type DashboardTenant struct {
	ID             string         `json:"id"`
	Name           string         `json:"name"`
	OwnerEmail     string         `json:"ownerEmail"`
	Plan           TenantPlan     `json:"plan"`
	Status         TenantStatus   `json:"status"`
	Region         string         `json:"region"`
	IsolationLevel IsolationLevel `json:"isolationLevel"`
	APICalls       int64          `json:"apiCalls"`
	StorageGB      float64        `json:"storageGb"`
	Seats          int            `json:"seats"`
	Compute        int64          `json:"compute"`
	APICallLimit   *int64         `json:"apiCallLimit"`
	StorageGBLimit *float64       `json:"storageGbLimit"`
	SeatsLimit     *int           `json:"seatsLimit"`
	ComputeLimit   *int64         `json:"computeLimit"`
	// Percent; nil while nothing is known.
	ErrorRate *float64 `json:"errorRate"`
	// Per minute; nil while nothing is known.
	RequestRate *float64 `json:"requestRate"`
	SLARisk     bool     `json:"slaRisk"`
	// The throttle, in requests per minute.
	RateLimit      *int         `json:"rateLimit"`
	HealthStatus   HealthStatus `json:"healthStatus"`
	MRRCents       int64        `json:"mrrCents"`
	UsageCostCents int64        `json:"usageCostCents"`
}

// UsageEvent is a usage event.
type UsageEvent struct {
	ID       string      `json:"id"`
	TenantID string      `json:"tenantId"`
	Metric   UsageMetric `json:"metric"`
	// Whole for all metrics but storage_gb.
	Value      float64   `json:"value"`
	Endpoint   *string   `json:"endpoint"`
	Timestamp  time.Time `json:"timestamp"`
	Mode       UsageMode `json:"mode,omitempty"`
	StatusCode *int      `json:"statusCode,omitempty"`
	// There with statusCode; false from 500 on.
	Billable  *bool    `json:"billable,omitempty"`
	Success   *bool    `json:"success,omitempty"`
	LatencyMs *float64 `json:"latencyMs,omitempty"`
}

// UsageMetrics is use in the present period; storage and seats as they stand.
type UsageMetrics struct {
	TenantID  string  `json:"tenantId"`
	APICalls  int64   `json:"apiCalls"`
	StorageGB float64 `json:"storageGb"`
	Seats     int     `json:"seats"`
	Compute   int64   `json:"compute"`
	// The calendar month in UTC, `yyyy-mm`.
	Period string `json:"period"`
}

// UsageSummary is use against limits, where it leads, and what it was made of.
type UsageSummary struct {
	TenantID    string    `json:"tenantId"`
	PeriodStart time.Time `json:"periodStart"`
	PeriodEnd   time.Time `json:"periodEnd"`
	// By metric.
	Metrics map[UsageMetric]Standing `json:"metrics"`
	Rollups Rollups                  `json:"rollups"`
}

// Standing is one metric against its limit.
type Standing struct {
	Used       float64  `json:"used"`
	Limit      *float64 `json:"limit"`
	Remaining  *float64 `json:"remaining"`
	Percentage *float64 `json:"percentage"`
	// At the period's end, if use goes on as it did.
	Projected  float64    `json:"projected"`
	ExhaustsAt *time.Time `json:"exhaustsAt"`
}

// Rollups are the last 48 hours, 35 days and 13 months; those without events are left out.
type Rollups struct {
	Hourly  []Rollup `json:"hourly"`
	Daily   []Rollup `json:"daily"`
	Monthly []Rollup `json:"monthly"`
}

// Rollup is one metric in one hour, day or month.
type Rollup struct {
	Start  time.Time   `json:"start"`
	Metric UsageMetric `json:"metric"`
	Count  int         `json:"count"`
	Errors int         `json:"errors"`
	// The billable change.
	Value float64 `json:"value"`
}

// Batch is what became of a batch; results in the order of the events.
type Batch struct {
	Accepted int `json:"accepted"`
	// By a limit, the throttle, or an outage.
	Refused int `json:"refused"`
	// Answered with the first event of their id.
	Duplicates int           `json:"duplicates"`
	Invalid    int           `json:"invalid"`
	Results    []BatchResult `json:"results"`
}

// BatchResult is what became of one event of a batch.
type BatchResult struct {
	Index int `json:"index"`
	// 201, or what the event alone had been answered.
	Status int `json:"status"`
	// With 201.
	ID      string `json:"id,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// TenantHealth is how a tenant is, by the events of its last minutes.
type TenantHealth struct {
	TenantID   string `json:"tenantId"`
	TenantName string `json:"tenantName"`
	// critical above 10 % of errors, warning from 3 %, healthy below; unknown while no event says
	// whether it failed.
	Status HealthStatus `json:"status"`
	// Percent with one decimal; nil while nothing is known.
	ErrorRate *float64 `json:"errorRate"`
	// Requests a minute; nil while nothing is known.
	RequestRate *float64 `json:"requestRate"`
	// Nil without latencies.
	P50Ms *float64 `json:"p50Ms"`
	// Nil without latencies.
	P95Ms *float64 `json:"p95Ms"`
	// In warning and critical.
	SLARisk bool `json:"slaRisk"`
	// Its load is out of the usual, and felt by others.
	NoisyNeighbour bool `json:"noisyNeighbour"`
	// The throttle, in requests a minute.
	RateLimit *int `json:"rateLimit"`
	// The last scan.
	CheckedAt *time.Time `json:"checkedAt"`
	// When the status began.
	Since *time.Time `json:"since"`
}

// Overview is the workspace's tenants by status.
type Overview struct {
	Total    int `json:"total"`
	Healthy  int `json:"healthy"`
	Warning  int `json:"warning"`
	Critical int `json:"critical"`
	Unknown  int `json:"unknown"`
	// Percent, over the tenants with data.
	AvgErrorRate float64 `json:"avgErrorRate"`
}

// Allowance tells whether the call may go on. All numbers are null where nothing limits it.
type Allowance struct {
	// Then the cost was taken.
	Allowed bool `json:"allowed"`
	// Calls a minute.
	Limit *int `json:"limit"`
	// Nil too while nobody can count; then all is allowed.
	Remaining *int `json:"remaining"`
	// Until there is more room.
	ResetSeconds *int `json:"resetSeconds"`
	// Seconds, of a call that was refused; nil for one that will never have room.
	RetryAfter *int `json:"retryAfter"`
}

// TenantBilling is how a tenant pays. Billing is not there yet: the server answers 501.
type TenantBilling struct {
	TenantID             string     `json:"tenantId"`
	Plan                 TenantPlan `json:"plan"`
	StripeCustomerID     *string    `json:"stripeCustomerId"`
	StripeSubscriptionID *string    `json:"stripeSubscriptionId"`
	SubscriptionStatus   *string    `json:"subscriptionStatus"`
	MRRCents             int64      `json:"mrrCents"`
	UsageCostCents       int64      `json:"usageCostCents"`
	Currency             string     `json:"currency"`
	CurrentPeriodStart   *time.Time `json:"currentPeriodStart"`
	CurrentPeriodEnd     *time.Time `json:"currentPeriodEnd"`
	PaymentState         *string    `json:"paymentState"`
	LastSyncedAt         *time.Time `json:"lastSyncedAt"`
}

// Portal is where a tenant's owner changes plan and payment.
type Portal struct {
	URL string `json:"url"`
}

// The names that the documents use for some of the answers.
type (
	// HealthOverview is an Overview.
	HealthOverview = Overview
	// IsolationMigration is a Migration.
	IsolationMigration = Migration
	// TenantUsageMetric is a tenant's UsageMetrics.
	TenantUsageMetric = UsageMetrics
)
