package tenlyr

import "context"

// RateLimitService is the limits of calls a minute.
type RateLimitService struct{ client *Client }

// RateLimitCheckParams is whose limit, and what the call costs.
type RateLimitCheckParams struct {
	// Key replaces the client's key: a tenant's key asks for that tenant.
	Key string
	// TenantID is whose throttle, with an admin key; that key's own limit without it.
	TenantID string `json:"tenantId,omitempty"`
	// Cost is 1 where it is left out, 1000 at most.
	Cost int `json:"cost,omitempty"`
}

// Check asks whether a call may go on, and takes its cost if so.
func (s *RateLimitService) Check(
	ctx context.Context, params RateLimitCheckParams, options ...Option,
) (*Allowance, error) {
	r := post("/api/v1/ratelimit/check", params).with(params.Key)
	return fetch[Allowance](ctx, s.client, r, options...)
}
