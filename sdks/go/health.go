package tenlyr

import (
	"context"
	"iter"
)

// HealthService is how tenants fare, and the throttle for those that trouble others.
type HealthService struct{ client *Client }

// HealthListParams is which page, and how many tenants it has (1000 at most).
type HealthListParams struct {
	Cursor string `query:"cursor,omitempty"`
	Limit  int    `query:"limit,omitempty"`
}

// List answers a page of tenants' health.
func (s *HealthService) List(
	ctx context.Context, params HealthListParams,
) ([]TenantHealth, error) {
	rows, _, err := s.list(ctx, params)
	return rows, err
}

func (s *HealthService) list(
	ctx context.Context, params HealthListParams,
) ([]TenantHealth, string, error) {
	return list[TenantHealth](ctx, s.client, get("/api/v1/health", params))
}

// ListAll walks through all pages of List.
func (s *HealthService) ListAll(
	ctx context.Context, params HealthListParams,
) iter.Seq2[TenantHealth, error] {
	return walk(params.Cursor, func(cursor string) ([]TenantHealth, string, error) {
		params.Cursor = cursor
		return s.list(ctx, params)
	})
}

// Get answers how a tenant fares.
func (s *HealthService) Get(ctx context.Context, tenantID string) (*TenantHealth, error) {
	return fetch[TenantHealth](ctx, s.client, get("/api/v1/health/%s", nil, tenantID))
}

// HealthThrottleParams is how much is let through.
type HealthThrottleParams struct {
	// LimitRPM is tracked calls a minute, 1 or more.
	LimitRPM int `json:"limitRpm"`
}

// Throttle bounds a tenant's tracked calls.
func (s *HealthService) Throttle(
	ctx context.Context, tenantID string, params HealthThrottleParams, options ...Option,
) (*TenantHealth, error) {
	r := post("/api/v1/health/%s/throttle", params, tenantID)
	return fetch[TenantHealth](ctx, s.client, r, options...)
}

// RemoveThrottle lifts a tenant's bound.
func (s *HealthService) RemoveThrottle(
	ctx context.Context, tenantID string,
) (*TenantHealth, error) {
	return fetch[TenantHealth](ctx, s.client, remove("/api/v1/health/%s/throttle", tenantID))
}

// Overview counts the workspace's tenants by their health.
func (s *HealthService) Overview(ctx context.Context) (*Overview, error) {
	return fetch[Overview](ctx, s.client, get("/api/v1/health/overview", nil))
}
