package tenlyr

import (
	"encoding/json"
	"time"
)

// Endpoint is an endpoint as every answer shows it; never its secret.
type Endpoint struct {
	ID string `json:"id"`
	// Nil for the workspace's own, which hear of all its tenants.
	TenantID    *string     `json:"tenantId"`
	URL         string      `json:"url"`
	Description string      `json:"description"`
	Events      []EventType `json:"events"`
	Ordered     bool        `json:"ordered"`
	// `paused`: what comes is kept until it is resumed; `disabled`: it failed for five days or
	// answered 410, and hears nothing.
	Status EndpointStatus `json:"status"`
	// Empty unless it is disabled.
	DisabledReason string `json:"disabledReason"`
	// The first failure with no success since.
	FailingSince *time.Time `json:"failingSince"`
	// Until then deliveries are signed with the secret before the last rotation, too.
	PreviousSecretUntil *time.Time `json:"previousSecretUntil"`
	CreatedAt           time.Time  `json:"createdAt"`
	UpdatedAt           time.Time  `json:"updatedAt"`
}

// EndpointPage is a page of endpoints, the newest first.
type EndpointPage struct {
	Data []Endpoint `json:"data"`
	// Nil on the last page.
	NextCursor *string `json:"nextCursor"`
}

// EndpointWithSecret is an endpoint with its new secret: the only time it is shown.
type EndpointWithSecret struct {
	Endpoint
	// `whsec_` and 32 bytes in base64.
	Secret string `json:"secret"`
}

// Event is an event as receivers get it.
type Event struct {
	ID        string          `json:"id"`
	Type      EventType       `json:"type"`
	CreatedAt time.Time       `json:"createdAt"`
	Data      json.RawMessage `json:"data"`
}

// Delivery is one event on its way to one endpoint.
type Delivery struct {
	ID         string `json:"id"`
	EndpointID string `json:"endpointId"`
	// The same at every attempt, replay and retry.
	EventID string    `json:"eventId"`
	Type    EventType `json:"type"`
	// Whom the event is about.
	TenantID *string `json:"tenantId"`
	// `failed`: tried for 72 hours; `cancelled`: its endpoint or its event is gone.
	Status DeliveryStatus `json:"status"`
	// How many were begun.
	AttemptCount   int        `json:"attemptCount"`
	NextAttemptAt  *time.Time `json:"nextAttemptAt"`
	FirstAttemptAt *time.Time `json:"firstAttemptAt"`
	FinishedAt     *time.Time `json:"finishedAt"`
	IsTest         bool       `json:"isTest"`
	// Whether it was asked for by a replay.
	IsReplay       bool      `json:"isReplay"`
	EventCreatedAt time.Time `json:"eventCreatedAt"`
	CreatedAt      time.Time `json:"createdAt"`
}

// DeliveryPage is a page of deliveries, the newest first.
type DeliveryPage struct {
	Data []Delivery `json:"data"`
	// Nil on the last page.
	NextCursor *string `json:"nextCursor"`
}

// FullDelivery is a delivery with its event and every attempt.
type FullDelivery struct {
	Delivery
	// Nil once the tenant's events are purged.
	Event *Event `json:"event"`
	// The first one first.
	Attempts []Attempt `json:"attempts"`
}

// Attempt is one POST and what came back.
type Attempt struct {
	Number int       `json:"number"`
	At     time.Time `json:"at"`
	// One of accepted, refused, redirect_refused, gone, timeout, unreachable, tls_failed, blocked,
	// broken, or `interrupted` (cut off with its process, sent again); nil while it is under way.
	Outcome *string `json:"outcome"`
	// What the receiver answered; nil if nothing.
	StatusCode *int     `json:"statusCode"`
	LatencyMs  *float64 `json:"latencyMs"`
	// A sentence for people; empty where it was accepted.
	Reason string `json:"reason"`
	// Signatures are cut.
	RequestHeaders map[string]string `json:"requestHeaders"`
	// The beginning of the answer's body, as text.
	Response string `json:"response"`
}

// Replayed is what a replay set off.
type Replayed struct {
	// How many events are delivered again.
	Queued int `json:"queued"`
}

// EventTypeInfo is a type of event with an example of its whole envelope.
type EventTypeInfo struct {
	Type EventType `json:"type"`
	// Who hears of it.
	Audience EventAudience `json:"audience"`
	// When it is emitted.
	Description string          `json:"description"`
	Example     json.RawMessage `json:"example"`
}

// EventTypes is every type of event.
type EventTypes struct {
	Data []EventTypeInfo `json:"data"`
}
