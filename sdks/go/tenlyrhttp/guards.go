package tenlyrhttp

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

// Middleware is a handler around a handler.
type Middleware = func(next http.Handler) http.Handler

// guarded lets a request through when its tenant passes.
func guarded(next http.Handler, check func(r *http.Request, tenant *Tenant) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant, ok := TenantFrom(r.Context())
		if !ok {
			fail(w, r, notFound("No tenant was resolved."))
			return
		}
		if err := check(r, tenant); err != nil {
			fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// RequireActive lets active tenants through: else a TenantSuspendedError or a TenantInactiveError.
func RequireActive(next http.Handler) http.Handler {
	return guarded(next, func(_ *http.Request, tenant *Tenant) error {
		switch tenant.Status {
		case tenlyr.TenantActive:
			return nil
		case tenlyr.TenantSuspended:
			return &TenantSuspendedError{
				refuse(http.StatusForbidden, "tenant_suspended", "The tenant is suspended."),
			}
		}
		return &TenantInactiveError{
			refuse(http.StatusForbidden, "tenant_inactive", "The tenant is not active."),
		}
	})
}

var ascending = []tenlyr.TenantPlan{
	tenlyr.PlanStarter, tenlyr.PlanGrowth, tenlyr.PlanScale, tenlyr.PlanEnterprise,
}

// RequirePlan lets a plan through and those above it: else a PlanRequiredError. It panics for a
// plan that is none of Tenlyr's.
func RequirePlan(least tenlyr.TenantPlan) Middleware {
	from := slices.Index(ascending, least)
	if from < 0 {
		panic(fmt.Sprintf("tenlyrhttp: %q is no plan of Tenlyr", least))
	}
	return func(next http.Handler) http.Handler {
		return guarded(next, func(_ *http.Request, tenant *Tenant) error {
			if slices.Index(ascending, tenant.Plan) < from {
				return &PlanRequiredError{refuse(http.StatusForbidden, "plan_required",
					"The tenant's plan does not include this.")}
			}
			return nil
		})
	}
}

// CheckUsage answers how much of a quota a tenant has used.
type CheckUsage func(ctx context.Context, tenantID, quota string) (float64, error)

// QuotaOptions is a quota that is looked at before the handler runs. Quota and one of CheckUsage
// and Client are required.
type QuotaOptions struct {
	// Quota is a name of your own, or with Client a metric such as api_call.
	Quota string
	// Cost is how much a request takes: 1.
	Cost float64
	// CheckUsage tells how much is used. The limit is that of Tenant.Quotas; none is any amount.
	CheckUsage CheckUsage
	// Client asks Tenlyr instead, with the tenant's key; the limit is that of its plan.
	Client *tenlyr.Client
	// OnWarning is told when 80 % or more is used.
	OnWarning func(ctx context.Context, tenant *Tenant, used, limit float64)
}

const warnedFrom = 0.8

// EnforceQuota lets a tenant through that has enough left: else a QuotaExceededError. It panics
// without Quota, CheckUsage and Client.
func EnforceQuota(options QuotaOptions) Middleware {
	if options.Quota == "" || options.CheckUsage == nil && options.Client == nil {
		panic("tenlyrhttp: EnforceQuota needs Quota, and CheckUsage or Client")
	}
	if options.Cost == 0 {
		options.Cost = 1
	}
	return func(next http.Handler) http.Handler {
		return guarded(next, func(r *http.Request, tenant *Tenant) error {
			return options.check(r.Context(), tenant)
		})
	}
}

func (o QuotaOptions) check(ctx context.Context, tenant *Tenant) error {
	used, limit, err := o.standing(ctx, tenant)
	if err != nil || limit == nil {
		return err
	}
	if used+o.Cost > *limit {
		return quotaExceeded(o.Quota, *limit, used)
	}
	if o.OnWarning != nil && used >= *limit*warnedFrom {
		o.OnWarning(ctx, tenant, used, *limit)
	}
	return nil
}

// standing is how much is used, and how much there is; nil for any amount.
func (o QuotaOptions) standing(ctx context.Context, tenant *Tenant) (float64, *float64, error) {
	if o.CheckUsage != nil {
		limit, ok := tenant.Quotas[o.Quota]
		if !ok {
			return 0, nil, nil
		}
		used, err := o.CheckUsage(ctx, tenant.ID, o.Quota)
		return used, &limit, err
	}
	summary, err := o.Client.Usage.Summary(ctx, tenant.APIKey)
	if err != nil {
		return 0, nil, err
	}
	standing, ok := summary.Metrics[tenlyr.UsageMetric(o.Quota)]
	if !ok {
		return 0, nil, fmt.Errorf("tenlyrhttp: %q is no metric of Tenlyr", o.Quota)
	}
	return standing.Used, standing.Limit, nil
}

// CheckQuotas answers a QuotaExceededError for a quota of a tenant that is used up: as many as its
// limit, or more. They are looked at in the order of their names.
func CheckQuotas(
	ctx context.Context, tenantID string, quotas map[string]float64, check CheckUsage,
) error {
	names := make([]string, 0, len(quotas))
	for name := range quotas {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		used, err := check(ctx, tenantID, name)
		if err != nil {
			return err
		}
		if used >= quotas[name] {
			return quotaExceeded(name, quotas[name], used)
		}
	}
	return nil
}
