package tenlyrhttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

// Tenant is whose request it is. Many requests share one: do not change it.
type Tenant struct {
	// ID is the tenant's with Tenlyr, Slug how people name it.
	ID   string `json:"id"`
	Slug string `json:"slug"`
	// Status is as Tenlyr has it; a lookup that leaves it out means active.
	Status tenlyr.TenantStatus `json:"status"`
	// Plan is what RequirePlan looks at.
	Plan tenlyr.TenantPlan `json:"plan"`
	// APIKey is the tenant's own key, with which its usage is tracked. It is never printed.
	APIKey string `json:"-"`
	// Quotas are limits by name, for EnforceQuota.
	Quotas map[string]float64 `json:"quotas,omitempty"`
	// Metadata is whatever else you know.
	Metadata map[string]any `json:"metadata,omitempty"`
}

// String leaves the key out.
func (t Tenant) String() string {
	return fmt.Sprintf("tenant %s (%s, %s, %s)", t.ID, t.Slug, t.Status, t.Plan)
}

// GoString leaves the key out.
func (t Tenant) GoString() string { return t.String() }

// Lookup finds a tenant by the name that a request has for it; nil for none.
type Lookup func(ctx context.Context, name string) (*Tenant, error)

// FromAPI looks tenants up by their id with Tenlyr. Such a tenant has no APIKey: only you know it.
func FromAPI(client *tenlyr.Client) Lookup {
	return func(ctx context.Context, name string) (*Tenant, error) {
		found, err := client.Tenants.Get(ctx, name)
		if errors.Is(err, tenlyr.ErrNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return &Tenant{
			ID: found.ID, Slug: name, Status: found.Status, Plan: found.Plan,
			Metadata: map[string]any{
				"name": found.Name, "region": found.Region, "isolationLevel": found.IsolationLevel,
			},
		}, nil
	}
}

// Options is how a request's tenant is found. Resolve and Lookup are required.
type Options struct {
	Resolve Resolver
	Lookup  Lookup
	// CacheTTL is how long a found tenant is remembered: a minute. Negative means not at all.
	CacheTTL time.Duration
	// CacheSize is how many names are remembered at most: 10,000.
	CacheSize int
	// LookupTimeout bounds a lookup: 10 s.
	LookupTimeout time.Duration
	// IsOptional lets requests through that name no tenant.
	IsOptional bool
	// ErrorHandler answers what is refused, and what fails: WriteError.
	ErrorHandler func(w http.ResponseWriter, r *http.Request, err error)
}

// Tenancy finds whose requests are.
type Tenancy struct {
	options Options
	cache   *cache
}

// New makes a Tenancy. It panics without Resolve or Lookup, as there is nothing to go by.
func New(options Options) *Tenancy {
	if options.Resolve == nil || options.Lookup == nil {
		panic("tenlyrhttp: New needs Resolve and Lookup")
	}
	if options.CacheTTL == 0 {
		options.CacheTTL = time.Minute
	}
	if options.CacheSize <= 0 {
		options.CacheSize = 10_000
	}
	if options.LookupTimeout <= 0 {
		options.LookupTimeout = 10 * time.Second
	}
	if options.ErrorHandler == nil {
		options.ErrorHandler = WriteError
	}
	return &Tenancy{options, newCache(
		options.Lookup, options.CacheTTL, options.CacheSize, options.LookupTimeout,
	)}
}

// current is what a request's context holds.
type current struct {
	tenant *Tenant
	fail   func(w http.ResponseWriter, r *http.Request, err error)
}

type contextKey struct{}

// Handler finds the tenant of each request, for TenantFrom and the other middleware behind it.
func (t *Tenancy) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant, err := t.find(r)
		if err != nil {
			t.options.ErrorHandler(w, r, err)
			return
		}
		found := current{tenant, t.options.ErrorHandler}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey{}, found)))
	})
}

// Forget lets the next request look a name up again, after a suspension say.
func (t *Tenancy) Forget(name string) { t.cache.forget(name) }

// A name that is longer is nobody's, and not worth remembering.
const longestName = 255

func (t *Tenancy) find(r *http.Request) (*Tenant, error) {
	name, err := t.options.Resolve(r)
	if err != nil {
		return nil, err
	}
	if name == "" {
		if t.options.IsOptional {
			return nil, nil
		}
		return nil, notFound("The request names no tenant.")
	}
	if len(name) > longestName {
		return nil, notFound("Tenant not found.")
	}
	found, err := t.cache.get(r.Context(), name)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, notFound("Tenant not found.")
	}
	return complete(found), nil
}

// complete fills in what a lookup may leave out.
func complete(found *Tenant) *Tenant {
	tenant := *found
	if tenant.Status == "" {
		tenant.Status = tenlyr.TenantActive
	}
	if tenant.Slug == "" {
		tenant.Slug = tenant.ID
	}
	return &tenant
}

// TenantFrom answers the tenant of a request's context; false where none was found.
func TenantFrom(ctx context.Context) (*Tenant, bool) {
	found, _ := ctx.Value(contextKey{}).(current)
	return found.tenant, found.tenant != nil
}

// WithTenant answers a context with a tenant, as Handler makes it: for tests, and for work that
// began elsewhere.
func WithTenant(ctx context.Context, tenant *Tenant) context.Context {
	return context.WithValue(ctx, contextKey{}, current{tenant, WriteError})
}

// fail answers with an error in the way that the request's Tenancy was told to.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	if found, _ := r.Context().Value(contextKey{}).(current); found.fail != nil {
		found.fail(w, r, err)
		return
	}
	WriteError(w, r, err)
}
