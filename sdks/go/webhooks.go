package tenlyr

import (
	"context"
	"iter"
	"time"
)

// WebhooksService is endpoints that hear of events, and the log of what was delivered.
type WebhooksService struct{ client *Client }

// WebhooksDeliveriesParams is which deliveries, and how many a page (100 at most).
type WebhooksDeliveriesParams struct {
	Cursor     string         `query:"cursor,omitempty"`
	EndpointID string         `query:"endpointId,omitempty"`
	Limit      int            `query:"limit,omitempty"`
	Since      time.Time      `query:"since,omitempty"`
	Status     DeliveryStatus `query:"status,omitempty"`
	// TenantID: only of events about this tenant; with an admin key.
	TenantID string    `query:"tenantId,omitempty"`
	Type     EventType `query:"type,omitempty"`
	Until    time.Time `query:"until,omitempty"`
}

// Deliveries answers a page of deliveries, the newest first.
func (s *WebhooksService) Deliveries(
	ctx context.Context, params WebhooksDeliveriesParams,
) (*DeliveryPage, error) {
	return fetch[DeliveryPage](ctx, s.client, get("/api/v1/webhooks/deliveries", params))
}

// DeliveriesAll walks through all pages of Deliveries.
func (s *WebhooksService) DeliveriesAll(
	ctx context.Context, params WebhooksDeliveriesParams,
) iter.Seq2[Delivery, error] {
	return walk(params.Cursor, func(cursor string) ([]Delivery, string, error) {
		params.Cursor = cursor
		page, err := s.Deliveries(ctx, params)
		if err != nil {
			return nil, "", err
		}
		return follow(page.Data, page.NextCursor)
	})
}

// GetDelivery answers a delivery with its event and every attempt.
func (s *WebhooksService) GetDelivery(
	ctx context.Context, deliveryID string,
) (*FullDelivery, error) {
	return fetch[FullDelivery](ctx, s.client, get("/api/v1/webhooks/deliveries/%s", nil, deliveryID))
}

// Retry delivers again, now.
func (s *WebhooksService) Retry(
	ctx context.Context, deliveryID string, options ...Option,
) (*Delivery, error) {
	r := post("/api/v1/webhooks/deliveries/%s/retry", nil, deliveryID)
	return fetch[Delivery](ctx, s.client, r, options...)
}

// WebhooksListParams is which endpoints, and how many a page (100 at most).
type WebhooksListParams struct {
	Cursor   string `query:"cursor,omitempty"`
	Limit    int    `query:"limit,omitempty"`
	TenantID string `query:"tenantId,omitempty"`
}

// List answers a page of endpoints, the newest first.
func (s *WebhooksService) List(
	ctx context.Context, params WebhooksListParams,
) (*EndpointPage, error) {
	return fetch[EndpointPage](ctx, s.client, get("/api/v1/webhooks/endpoints", params))
}

// ListAll walks through all pages of List.
func (s *WebhooksService) ListAll(
	ctx context.Context, params WebhooksListParams,
) iter.Seq2[Endpoint, error] {
	return walk(params.Cursor, func(cursor string) ([]Endpoint, string, error) {
		params.Cursor = cursor
		page, err := s.List(ctx, params)
		if err != nil {
			return nil, "", err
		}
		return follow(page.Data, page.NextCursor)
	})
}

// WebhooksCreateParams is an endpoint to be made. URL is required.
type WebhooksCreateParams struct {
	URL         string `json:"url"`
	Description string `json:"description,omitempty"`
	// Events is what it hears of: all where it is nil.
	Events []EventType `json:"events"`
	// Ordered: one event of a tenant after the other.
	Ordered *bool `json:"ordered"`
	// TenantID, with an admin key: an endpoint of this tenant, which hears of its events.
	TenantID string `json:"tenantId,omitempty"`
}

// Create makes an endpoint. Its secret is in the answer and nowhere else.
func (s *WebhooksService) Create(
	ctx context.Context, params WebhooksCreateParams, options ...Option,
) (*EndpointWithSecret, error) {
	r := post("/api/v1/webhooks/endpoints", params)
	return fetch[EndpointWithSecret](ctx, s.client, r, options...)
}

// Get answers an endpoint.
func (s *WebhooksService) Get(ctx context.Context, endpointID string) (*Endpoint, error) {
	return fetch[Endpoint](ctx, s.client, get("/api/v1/webhooks/endpoints/%s", nil, endpointID))
}

// WebhooksUpdateParams is what of an endpoint to change; what is nil or empty stays.
type WebhooksUpdateParams struct {
	URL         string      `json:"url,omitempty"`
	Description *string     `json:"description"`
	Events      []EventType `json:"events"`
	Ordered     *bool       `json:"ordered"`
}

// Update changes an endpoint.
func (s *WebhooksService) Update(
	ctx context.Context, endpointID string, params WebhooksUpdateParams,
) (*Endpoint, error) {
	r := patch("/api/v1/webhooks/endpoints/%s", params, endpointID)
	return fetch[Endpoint](ctx, s.client, r)
}

// Delete removes an endpoint.
func (s *WebhooksService) Delete(ctx context.Context, endpointID string) error {
	_, err := s.client.call(ctx, remove("/api/v1/webhooks/endpoints/%s", endpointID), nil)
	return err
}

// Pause keeps an endpoint's events until it is resumed.
func (s *WebhooksService) Pause(
	ctx context.Context, endpointID string, options ...Option,
) (*Endpoint, error) {
	r := post("/api/v1/webhooks/endpoints/%s/pause", nil, endpointID)
	return fetch[Endpoint](ctx, s.client, r, options...)
}

// Resume delivers to a paused or disabled endpoint again.
func (s *WebhooksService) Resume(
	ctx context.Context, endpointID string, options ...Option,
) (*Endpoint, error) {
	r := post("/api/v1/webhooks/endpoints/%s/resume", nil, endpointID)
	return fetch[Endpoint](ctx, s.client, r, options...)
}

// RotateSecret gives an endpoint a new secret; for a while both sign.
func (s *WebhooksService) RotateSecret(
	ctx context.Context, endpointID string, options ...Option,
) (*EndpointWithSecret, error) {
	r := post("/api/v1/webhooks/endpoints/%s/rotate-secret", nil, endpointID)
	return fetch[EndpointWithSecret](ctx, s.client, r, options...)
}

// Test sends an endpoint an event of the type EventWebhookTest.
func (s *WebhooksService) Test(
	ctx context.Context, endpointID string, options ...Option,
) (*Delivery, error) {
	r := post("/api/v1/webhooks/endpoints/%s/test", nil, endpointID)
	return fetch[Delivery](ctx, s.client, r, options...)
}

// EventTypes answers every type of event, with an example of each.
func (s *WebhooksService) EventTypes(ctx context.Context) (*EventTypes, error) {
	return fetch[EventTypes](ctx, s.client, get("/api/v1/webhooks/event-types", nil))
}

// WebhooksReplayParams is what to deliver again. EndpointID, Since and Until are required.
type WebhooksReplayParams struct {
	EndpointID string    `json:"endpointId"`
	Since      time.Time `json:"since"`
	Until      time.Time `json:"until"`
	// Types narrows it to some of what the endpoint hears of.
	Types []EventType `json:"types"`
	// OnlyUndelivered leaves out what the endpoint has accepted before.
	OnlyUndelivered *bool `json:"onlyUndelivered"`
}

// Replay delivers the events of a span of time again, at most 10,000 a call.
func (s *WebhooksService) Replay(
	ctx context.Context, params WebhooksReplayParams, options ...Option,
) (*Replayed, error) {
	return fetch[Replayed](ctx, s.client, post("/api/v1/webhooks/replay", params), options...)
}
