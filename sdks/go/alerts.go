package tenlyr

import (
	"context"
	"iter"
)

// AlertsService is what people should know of, and the channels that tell them.
type AlertsService struct{ client *Client }

// AlertsListParams is which alerts, and how many a page (1000 at most).
type AlertsListParams struct {
	// Key replaces the client's key: a tenant's key sees its own alerts.
	Key      string
	Cursor   string        `query:"cursor,omitempty"`
	Limit    int           `query:"limit,omitempty"`
	Severity AlertSeverity `query:"severity,omitempty"`
	Status   AlertStatus   `query:"status,omitempty"`
	// TenantID narrows what an admin key sees.
	TenantID string `query:"tenantId,omitempty"`
	Type     string `query:"type,omitempty"`
}

// List answers a page of alerts, the newest first.
func (s *AlertsService) List(ctx context.Context, params AlertsListParams) ([]Alert, error) {
	rows, _, err := s.list(ctx, params)
	return rows, err
}

func (s *AlertsService) list(
	ctx context.Context, params AlertsListParams,
) ([]Alert, string, error) {
	return list[Alert](ctx, s.client, get("/api/v1/alerts", params).with(params.Key))
}

// ListAll walks through all pages of List.
func (s *AlertsService) ListAll(
	ctx context.Context, params AlertsListParams,
) iter.Seq2[Alert, error] {
	return walk(params.Cursor, func(cursor string) ([]Alert, string, error) {
		params.Cursor = cursor
		return s.list(ctx, params)
	})
}

// AlertsCreateParams is an alert to be raised. All but Metadata is required.
type AlertsCreateParams struct {
	TenantID string `json:"tenantId"`
	// Type: one of a type is open for a tenant at a time; a repeat counts on it.
	Type     string         `json:"type"`
	Severity AlertSeverity  `json:"severity"`
	Title    string         `json:"title"`
	Message  string         `json:"message"`
	Metadata map[string]any `json:"metadata"`
}

// Create raises an alert about a tenant.
func (s *AlertsService) Create(
	ctx context.Context, params AlertsCreateParams, options ...Option,
) (*Alert, error) {
	return fetch[Alert](ctx, s.client, post("/api/v1/alerts", params), options...)
}

// Get answers an alert.
func (s *AlertsService) Get(ctx context.Context, alertID string) (*Alert, error) {
	return fetch[Alert](ctx, s.client, get("/api/v1/alerts/%s", nil, alertID))
}

// Resolve closes an alert.
func (s *AlertsService) Resolve(
	ctx context.Context, alertID string, options ...Option,
) (*Alert, error) {
	return fetch[Alert](ctx, s.client, post("/api/v1/alerts/%s/resolve", nil, alertID), options...)
}

// AlertsListChannelsParams is which page, and how many channels it has (100 at most).
type AlertsListChannelsParams struct {
	Cursor string `query:"cursor,omitempty"`
	Limit  int    `query:"limit,omitempty"`
}

// ListChannels answers a page of channels, the newest first.
func (s *AlertsService) ListChannels(
	ctx context.Context, params AlertsListChannelsParams,
) (*ChannelPage, error) {
	return fetch[ChannelPage](ctx, s.client, get("/api/v1/alerts/channels", params))
}

// ListChannelsAll walks through all pages of ListChannels.
func (s *AlertsService) ListChannelsAll(
	ctx context.Context, params AlertsListChannelsParams,
) iter.Seq2[Channel, error] {
	return walk(params.Cursor, func(cursor string) ([]Channel, string, error) {
		params.Cursor = cursor
		page, err := s.ListChannels(ctx, params)
		if err != nil {
			return nil, "", err
		}
		return follow(page.Data, page.NextCursor)
	})
}

// AlertsCreateChannelParams is a channel to be made. Kind and Target are required.
type AlertsCreateChannelParams struct {
	Kind ChannelKind `json:"kind"`
	// Target is a URL of yours, a chat's incoming webhook, or an e-mail address.
	Target      string        `json:"target"`
	MinSeverity AlertSeverity `json:"minSeverity,omitempty"`
}

// CreateChannel makes a channel. A webhook's secret is in the answer and nowhere else.
func (s *AlertsService) CreateChannel(
	ctx context.Context, params AlertsCreateChannelParams, options ...Option,
) (*CreatedChannel, error) {
	r := post("/api/v1/alerts/channels", params)
	return fetch[CreatedChannel](ctx, s.client, r, options...)
}

// GetChannel answers a channel.
func (s *AlertsService) GetChannel(ctx context.Context, channelID string) (*Channel, error) {
	return fetch[Channel](ctx, s.client, get("/api/v1/alerts/channels/%s", nil, channelID))
}

// AlertsUpdateChannelParams is what of a channel to change; what is nil or empty stays.
type AlertsUpdateChannelParams struct {
	Target      string        `json:"target,omitempty"`
	MinSeverity AlertSeverity `json:"minSeverity,omitempty"`
	Enabled     *bool         `json:"enabled"`
}

// UpdateChannel changes a channel.
func (s *AlertsService) UpdateChannel(
	ctx context.Context, channelID string, params AlertsUpdateChannelParams,
) (*Channel, error) {
	return fetch[Channel](ctx, s.client, patch("/api/v1/alerts/channels/%s", params, channelID))
}

// DeleteChannel removes a channel.
func (s *AlertsService) DeleteChannel(ctx context.Context, channelID string) error {
	_, err := s.client.call(ctx, remove("/api/v1/alerts/channels/%s", channelID), nil)
	return err
}

// AlertsListMessagesParams is which page, and how many messages it has (100 at most).
type AlertsListMessagesParams struct {
	Cursor string `query:"cursor,omitempty"`
	Limit  int    `query:"limit,omitempty"`
}

// ListMessages answers a page of what a channel was sent, the newest first.
func (s *AlertsService) ListMessages(
	ctx context.Context, channelID string, params AlertsListMessagesParams,
) (*MessagePage, error) {
	r := get("/api/v1/alerts/channels/%s/messages", params, channelID)
	return fetch[MessagePage](ctx, s.client, r)
}

// ListMessagesAll walks through all pages of ListMessages.
func (s *AlertsService) ListMessagesAll(
	ctx context.Context, channelID string, params AlertsListMessagesParams,
) iter.Seq2[Message, error] {
	return walk(params.Cursor, func(cursor string) ([]Message, string, error) {
		params.Cursor = cursor
		page, err := s.ListMessages(ctx, channelID, params)
		if err != nil {
			return nil, "", err
		}
		return follow(page.Data, page.NextCursor)
	})
}

// TestChannel sends a channel a test message.
func (s *AlertsService) TestChannel(
	ctx context.Context, channelID string, options ...Option,
) (*Message, error) {
	r := post("/api/v1/alerts/channels/%s/test", nil, channelID)
	return fetch[Message](ctx, s.client, r, options...)
}

// AlertsResolveAllParams is whose alerts.
type AlertsResolveAllParams struct {
	// Key replaces the client's key: a tenant's key resolves its own alerts.
	Key string
}

// ResolveAll closes all open alerts that the key sees, and answers how many.
func (s *AlertsService) ResolveAll(
	ctx context.Context, params AlertsResolveAllParams, options ...Option,
) (*Resolved, error) {
	r := post("/api/v1/alerts/resolve-all", nil).with(params.Key)
	return fetch[Resolved](ctx, s.client, r, options...)
}

// AlertsUnresolvedParams is which alerts, and how many a page (1000 at most).
type AlertsUnresolvedParams struct {
	// Key replaces the client's key: a tenant's key sees its own alerts.
	Key      string
	Cursor   string        `query:"cursor,omitempty"`
	Limit    int           `query:"limit,omitempty"`
	Severity AlertSeverity `query:"severity,omitempty"`
	// TenantID narrows what an admin key sees.
	TenantID string `query:"tenantId,omitempty"`
	Type     string `query:"type,omitempty"`
}

// Unresolved answers a page of open alerts, the newest first.
func (s *AlertsService) Unresolved(
	ctx context.Context, params AlertsUnresolvedParams,
) ([]Alert, error) {
	rows, _, err := s.unresolved(ctx, params)
	return rows, err
}

func (s *AlertsService) unresolved(
	ctx context.Context, params AlertsUnresolvedParams,
) ([]Alert, string, error) {
	return list[Alert](ctx, s.client, get("/api/v1/alerts/unresolved", params).with(params.Key))
}

// UnresolvedAll walks through all pages of Unresolved.
func (s *AlertsService) UnresolvedAll(
	ctx context.Context, params AlertsUnresolvedParams,
) iter.Seq2[Alert, error] {
	return walk(params.Cursor, func(cursor string) ([]Alert, string, error) {
		params.Cursor = cursor
		return s.unresolved(ctx, params)
	})
}
