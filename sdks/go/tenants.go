package tenlyr

import (
	"context"
	"iter"
)

// TenantsService is tenants and their lives.
type TenantsService struct{ client *Client }

// ProvisionRequest is a tenant to be created. Name and OwnerEmail are required.
type ProvisionRequest struct {
	Name string `json:"name"`
	// OwnerEmail is unique in the workspace, whatever its case.
	OwnerEmail string     `json:"ownerEmail"`
	Plan       TenantPlan `json:"plan,omitempty"`
	Region     string     `json:"region,omitempty"`
	// IsolationLevel: with DedicatedDatabase the tenant is born with a schema of its own, works at
	// once, and moves to its database; the answer has the migration.
	IsolationLevel IsolationLevel `json:"isolationLevel,omitempty"`
}

// TenantsCreateParams is a ProvisionRequest.
type TenantsCreateParams = ProvisionRequest

// Create provisions a tenant. Its key is in the answer, and nowhere else: keep it. A
// ConflictError's body has the existingTenantId of the tenant with this OwnerEmail.
func (s *TenantsService) Create(
	ctx context.Context, params TenantsCreateParams, options ...Option,
) (*CreatedTenant, error) {
	return fetch[CreatedTenant](ctx, s.client, post("/api/v1/tenants", params), options...)
}

// TenantsListParams is which tenants to list, and how many a page (100 at most).
type TenantsListParams struct {
	Cursor     string       `query:"cursor,omitempty"`
	Limit      int          `query:"limit,omitempty"`
	OwnerEmail string       `query:"ownerEmail,omitempty"`
	Plan       TenantPlan   `query:"plan,omitempty"`
	Status     TenantStatus `query:"status,omitempty"`
}

// List answers a page of tenants, the newest first.
func (s *TenantsService) List(ctx context.Context, params TenantsListParams) (*TenantPage, error) {
	return fetch[TenantPage](ctx, s.client, get("/api/v1/tenants", params))
}

// ListAll walks through all pages of List.
func (s *TenantsService) ListAll(
	ctx context.Context, params TenantsListParams,
) iter.Seq2[Tenant, error] {
	return walk(params.Cursor, func(cursor string) ([]Tenant, string, error) {
		params.Cursor = cursor
		page, err := s.List(ctx, params)
		if err != nil {
			return nil, "", err
		}
		return follow(page.Data, page.NextCursor)
	})
}

// Get answers a tenant.
func (s *TenantsService) Get(ctx context.Context, tenantID string) (*Tenant, error) {
	return fetch[Tenant](ctx, s.client, get("/api/v1/tenants/%s", nil, tenantID))
}

// TenantsDashboardParams is which page, and how many rows it has (1000 at most).
type TenantsDashboardParams struct {
	Cursor string `query:"cursor,omitempty"`
	Limit  int    `query:"limit,omitempty"`
}

// Dashboard answers each tenant with its usage of this month, health and money.
func (s *TenantsService) Dashboard(
	ctx context.Context, params TenantsDashboardParams,
) ([]DashboardTenant, error) {
	rows, _, err := s.dashboard(ctx, params)
	return rows, err
}

func (s *TenantsService) dashboard(
	ctx context.Context, params TenantsDashboardParams,
) ([]DashboardTenant, string, error) {
	return list[DashboardTenant](ctx, s.client, get("/api/v1/tenants/dashboard", params))
}

// DashboardAll walks through all pages of Dashboard.
func (s *TenantsService) DashboardAll(
	ctx context.Context, params TenantsDashboardParams,
) iter.Seq2[DashboardTenant, error] {
	return walk(params.Cursor, func(cursor string) ([]DashboardTenant, string, error) {
		params.Cursor = cursor
		return s.dashboard(ctx, params)
	})
}

// Health is Dashboard by its documented name.
func (s *TenantsService) Health(
	ctx context.Context, params TenantsDashboardParams,
) ([]DashboardTenant, error) {
	return s.Dashboard(ctx, params)
}

// TenantsUpdateParams is what of a tenant to change; what is nil stays.
type TenantsUpdateParams struct {
	Name   *string `json:"name"`
	Region *string `json:"region"`
}

// Update changes a tenant's labels.
func (s *TenantsService) Update(
	ctx context.Context, tenantID string, params TenantsUpdateParams,
) (*Tenant, error) {
	return fetch[Tenant](ctx, s.client, patch("/api/v1/tenants/%s", params, tenantID))
}

// TenantsSuspendParams is why.
type TenantsSuspendParams struct {
	// Reason is kept in the audit trail and sent with the event.
	Reason string `json:"reason,omitempty"`
}

// Suspend blocks a tenant's calls until it is reactivated; its data stays.
func (s *TenantsService) Suspend(
	ctx context.Context, tenantID string, params TenantsSuspendParams, options ...Option,
) (*Tenant, error) {
	r := post("/api/v1/tenants/%s/suspend", params, tenantID)
	return fetch[Tenant](ctx, s.client, r, options...)
}

// Reactivate lets a suspended tenant call again.
func (s *TenantsService) Reactivate(
	ctx context.Context, tenantID string, options ...Option,
) (*Tenant, error) {
	r := post("/api/v1/tenants/%s/reactivate", nil, tenantID)
	return fetch[Tenant](ctx, s.client, r, options...)
}

// Terminate blocks a tenant for good.
func (s *TenantsService) Terminate(
	ctx context.Context, tenantID string, options ...Option,
) (*Tenant, error) {
	r := post("/api/v1/tenants/%s/terminate", nil, tenantID)
	return fetch[Tenant](ctx, s.client, r, options...)
}

// TenantsRotateAPIKeyParams is what becomes of the key before.
type TenantsRotateAPIKeyParams struct {
	// GracePeriodSeconds is how long the key before goes on working: 0, or nil, ends every older
	// key now.
	GracePeriodSeconds *int `json:"gracePeriodSeconds"`
}

// RotateAPIKey gives a tenant a new key, which is in the answer and nowhere else.
func (s *TenantsService) RotateAPIKey(
	ctx context.Context, tenantID string, params TenantsRotateAPIKeyParams, options ...Option,
) (*TenantWithKey, error) {
	r := post("/api/v1/tenants/%s/rotate-key", params, tenantID)
	return fetch[TenantWithKey](ctx, s.client, r, options...)
}

// TenantsChangePlanParams is the new plan.
type TenantsChangePlanParams struct {
	Plan TenantPlan `json:"plan"`
}

// ChangePlan puts a tenant on another plan, at once.
func (s *TenantsService) ChangePlan(
	ctx context.Context, tenantID string, params TenantsChangePlanParams,
) (*Tenant, error) {
	return fetch[Tenant](ctx, s.client, patch("/api/v1/tenants/%s/plan", params, tenantID))
}

// TenantsExportParams is the export's form.
type TenantsExportParams struct {
	Format ExportFormat `query:"format,omitempty"`
}

// Export answers what there is of a tenant, as a file: JSON where Format says nothing.
func (s *TenantsService) Export(
	ctx context.Context, tenantID string, params TenantsExportParams,
) ([]byte, error) {
	r := get("/api/v1/tenants/%s/export", params, tenantID)
	response, err := s.client.call(ctx, r, nil)
	if err != nil {
		return nil, err
	}
	return response.body, nil
}

// Delete removes a tenant and all its data. It cannot be undone.
func (s *TenantsService) Delete(ctx context.Context, tenantID string) error {
	_, err := s.client.call(ctx, remove("/api/v1/tenants/%s", tenantID), nil)
	return err
}
