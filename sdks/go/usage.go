package tenlyr

import (
	"context"
	"slices"
	"time"
)

// UsageService is what tenants use. Its calls act as a tenant, with that tenant's key.
type UsageService struct{ client *Client }

// UsageEventsParams is how many events: 100, or Limit (1000 at most).
type UsageEventsParams struct {
	Limit int `query:"limit,omitempty"`
}

// Events answers a tenant's latest events, the newest first.
func (s *UsageService) Events(
	ctx context.Context, tenantKey string, params UsageEventsParams,
) ([]UsageEvent, error) {
	r := get("/api/v1/usage/events", params).as(tenantKey)
	events, _, err := list[UsageEvent](ctx, s.client, r)
	return events, err
}

// Metrics answers what a tenant used in the present period.
func (s *UsageService) Metrics(ctx context.Context, tenantKey string) (*UsageMetrics, error) {
	return fetch[UsageMetrics](ctx, s.client, get("/api/v1/usage/metrics", nil).as(tenantKey))
}

// Summary answers a tenant's use against its limits, where it leads, and what it was made of.
func (s *UsageService) Summary(ctx context.Context, tenantKey string) (*UsageSummary, error) {
	return fetch[UsageSummary](ctx, s.client, get("/api/v1/usage/summary", nil).as(tenantKey))
}

// TrackRequest is one event of a tenant. TenantAPIKey, Metric and Value are required.
type TrackRequest struct {
	// TenantAPIKey is the key of the tenant that used something: never an admin key.
	TenantAPIKey string      `json:"-"`
	Metric       UsageMetric `json:"metric"`
	// Value is whole and at least 1; of MetricStorageGB above 0. With ModeSet it may be 0.
	Value    float64 `json:"value"`
	Endpoint string  `json:"endpoint,omitempty"`
	// StatusCode is what you answered. From 500 on the event is stored, but not billable.
	StatusCode int `json:"statusCode,omitempty"`
	// Success is whether the use went well, where there is no status.
	Success *bool `json:"success,omitempty"`
	// LatencyMs is how long it took, in milliseconds.
	LatencyMs *float64 `json:"latencyMs,omitempty"`
	// Timestamp is in the last 35 days; the zero time means now.
	Timestamp time.Time `json:"timestamp,omitempty"`
	// ID makes a second event with the same ID count nothing. Where it is empty, the call gets a
	// UUID of its own, the same at each try.
	ID string `json:"id,omitempty"`
	// Mode is how a gauge changes; by default it increments.
	Mode UsageMode `json:"mode,omitempty"`
}

// Track counts an event. A strict limit of the tenant's plan refuses it with a
// PlanLimitExceededError.
func (s *UsageService) Track(ctx context.Context, event TrackRequest, options ...Option) error {
	_, err := s.TrackEvent(ctx, event, options...)
	return err
}

// TrackEvent is Track that answers the event as it was stored.
func (s *UsageService) TrackEvent(
	ctx context.Context, event TrackRequest, options ...Option,
) (*UsageEvent, error) {
	event.ID = eventID(event.ID, options)
	r := post("/api/v1/usage/track", event).as(event.TenantAPIKey)
	// An ID that no header can carry still is the event's: it alone decides what counts.
	if isIdempotencyKey(event.ID) {
		options = append(slices.Clip(options), WithIdempotencyKey(event.ID))
	}
	return fetch[UsageEvent](ctx, s.client, r, options...)
}

// eventID is the event's own id, else the call's idempotency key, else a new one.
func eventID(given string, options []Option) string {
	if given != "" {
		return given
	}
	var asked request
	for _, option := range options {
		option(&asked)
	}
	if asked.idempotencyKey != "" {
		return asked.idempotencyKey
	}
	return newUUID()
}

// TrackBatch counts up to 10,000 events of one tenant, each for itself: an event that is refused
// or wrong is told in its result, and the others count. The events' TenantAPIKey may be empty.
func (s *UsageService) TrackBatch(
	ctx context.Context, tenantKey string, events []TrackRequest, options ...Option,
) (*Batch, error) {
	wire := make([]map[string]any, len(events))
	for i, event := range events {
		if event.TenantAPIKey != "" && event.TenantAPIKey != tenantKey {
			return nil, invalidArgument("an event of the batch is of another tenant")
		}
		_, wire[i] = split(event)
	}
	r := post("/api/v1/usage/track/batch", nil).as(tenantKey)
	r.body = wire
	return fetch[Batch](ctx, s.client, r, options...)
}
