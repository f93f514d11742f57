package tenlyr

import "context"

// BillingService is what tenants pay. Its calls act as a tenant, with that tenant's key.
type BillingService struct{ client *Client }

// Get answers how a tenant pays.
func (s *BillingService) Get(ctx context.Context, tenantKey string) (*TenantBilling, error) {
	return fetch[TenantBilling](ctx, s.client, get("/api/v1/billing", nil).as(tenantKey))
}

// PortalURL answers where a tenant's owner changes plan and payment. Where billing is switched off
// this is a TenlyrNotImplementedError.
func (s *BillingService) PortalURL(ctx context.Context, tenantKey string) (*Portal, error) {
	return fetch[Portal](ctx, s.client, get("/api/v1/billing/portal", nil).as(tenantKey))
}
