package tenlyrhttp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

const tenantKey = "tenlyr_live_ConformanceTenant1ConformanceTenant1Conf2zXRzE"

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	os.Exit(m.Run())
}

var everybody = map[string]*Tenant{
	"acme": {
		ID: "t1", Slug: "acme", Plan: tenlyr.PlanGrowth, APIKey: tenantKey,
		Quotas: map[string]float64{"api": 10},
	},
	"globex":  {ID: "t2", Status: tenlyr.TenantSuspended, Plan: tenlyr.PlanScale},
	"initech": {ID: "t3", Status: tenlyr.TenantTerminated, Plan: tenlyr.PlanStarter},
}

func known(_ context.Context, name string) (*Tenant, error) {
	if name == "trouble" {
		return nil, errors.New("secret-host is down")
	}
	return everybody[name], nil
}

// hello says whose request it is.
var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	tenant, ok := TenantFrom(r.Context())
	if !ok {
		_, _ = io.WriteString(w, "nobody")
		return
	}
	_, _ = io.WriteString(w, tenant.ID+" "+tenant.Slug)
})

func ask(handler http.Handler, name string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/invoices?q=1", nil)
	r.Header.Set("X-Tenant-ID", name)
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func tenancy(lookup Lookup) *Tenancy { return New(Options{Resolve: Header(""), Lookup: lookup}) }

func TestARequestsTenant(t *testing.T) {
	handler := tenancy(known).Handler(hello)
	if w := ask(handler, "acme"); w.Code != 200 || w.Body.String() != "t1 acme" {
		t.Error(w.Code, w.Body)
	}
	if w := ask(handler, "globex"); w.Body.String() != "t2 t2" {
		t.Error(w.Code, w.Body)
	}
	optional := New(Options{Resolve: Header(""), Lookup: known, IsOptional: true}).Handler(hello)
	if w := ask(optional, ""); w.Body.String() != "nobody" {
		t.Error(w.Code, w.Body)
	}
	if _, ok := TenantFrom(WithTenant(context.Background(), everybody["acme"])); !ok {
		t.Error("WithTenant is nobody's")
	}
}

func refusalBody(status int, reason, code, message string) string {
	return fmt.Sprintf(`{"message":"%s","error":"%s","statusCode":%d,"code":"%s"}`,
		message, reason, status, code)
}

func TestRefusalsAreStructured(t *testing.T) {
	open := tenancy(known)
	tenUsed := func(context.Context, string, string) (float64, error) { return 10, nil }
	quota := EnforceQuota(QuotaOptions{Quota: "api", CheckUsage: tenUsed})
	missing := refusalBody(404, "Not Found", "tenant_not_found", "Tenant not found.")
	for name, one := range map[string]struct {
		handler http.Handler
		tenant  string
		status  int
		body    string
	}{
		"no name": {open.Handler(hello), "", 404,
			refusalBody(404, "Not Found", "tenant_not_found", "The request names no tenant.")},
		"a strange": {open.Handler(hello), "nobody", 404, missing},
		"a long":    {open.Handler(hello), strings.Repeat("x", 256), 404, missing},
		"suspended": {open.Handler(RequireActive(hello)), "globex", 403,
			refusalBody(403, "Forbidden", "tenant_suspended", "The tenant is suspended.")},
		"inactive": {open.Handler(RequireActive(hello)), "initech", 403,
			refusalBody(403, "Forbidden", "tenant_inactive", "The tenant is not active.")},
		"plan": {open.Handler(RequirePlan("growth")(hello)), "initech", 403, refusalBody(403,
			"Forbidden", "plan_required", "The tenant's plan does not include this.")},
		"quota": {open.Handler(quota(hello)), "acme", 429,
			strings.TrimSuffix(refusalBody(429, "Plan limit reached", "quota_exceeded",
				"Plan limit reached"), "}") + `,"quota":"api","limit":10,"current":10}`},
		"failure": {open.Handler(hello), "trouble", 500, refusalBody(500,
			"Internal Server Error", "internal_error", "Something went wrong.")},
		"misplaced": {RequireActive(hello), "acme", 404,
			refusalBody(404, "Not Found", "tenant_not_found", "No tenant was resolved.")},
		"active":    {open.Handler(RequireActive(hello)), "acme", 200, "t1 acme"},
		"plan's":    {open.Handler(RequirePlan("growth")(hello)), "acme", 200, "t1 acme"},
		"above it":  {open.Handler(RequirePlan("growth")(hello)), "globex", 200, "t2 t2"},
		"unlimited": {open.Handler(quota(hello)), "globex", 200, "t2 t2"},
	} {
		w := ask(one.handler, one.tenant)
		if w.Code != one.status || w.Body.String() != one.body {
			t.Errorf("%s: wanted %d %s\ngot %d %s", name, one.status, one.body, w.Code, w.Body)
		}
		if kind := w.Header().Get("Content-Type"); w.Code >= 400 && kind != "application/json" {
			t.Errorf("%s: %s", name, kind)
		}
	}
}

func TestErrorsAreFoundByTheirTypes(t *testing.T) {
	var told []error
	open := New(Options{Resolve: Header(""), Lookup: known, ErrorHandler: func(
		w http.ResponseWriter, r *http.Request, err error,
	) {
		told = append(told, err)
	}})
	handler := open.Handler(RequireActive(hello))
	for _, name := range []string{"nobody", "globex", "initech"} {
		ask(handler, name)
	}
	var stranger *TenantNotFoundError
	var suspended *TenantSuspendedError
	var inactive *TenantInactiveError
	var base *tenlyr.Error
	if len(told) != 3 || !errors.As(told[0], &stranger) || !errors.As(told[1], &suspended) ||
		!errors.As(told[2], &inactive) || !errors.As(told[2], &base) || base.StatusCode != 403 {
		t.Error(told)
	}
}

func TestQuotas(t *testing.T) {
	used := map[string]float64{"api": 8, "storage": 5}
	check := func(_ context.Context, id, quota string) (float64, error) {
		if id != "t1" {
			return 0, errors.New("another's")
		}
		return used[quota], nil
	}
	warned := 0
	handler := tenancy(known).Handler(EnforceQuota(QuotaOptions{
		Quota: "api", Cost: 2, CheckUsage: check,
		OnWarning: func(context.Context, *Tenant, float64, float64) { warned++ },
	})(hello))
	if w := ask(handler, "acme"); w.Code != 200 || warned != 1 {
		t.Error(w.Code, warned)
	}
	used["api"] = 9
	if w := ask(handler, "acme"); w.Code != 429 {
		t.Error(w.Code)
	}
	ctx := context.Background()
	err := CheckQuotas(ctx, "t1", map[string]float64{"api": 10, "storage": 6}, check)
	if err != nil {
		t.Error(err)
	}
	err = CheckQuotas(ctx, "t1", map[string]float64{"api": 10, "storage": 5}, check)
	var exceeded *QuotaExceededError
	if !errors.As(err, &exceeded) || exceeded.Quota != "storage" || exceeded.Limit != 5 {
		t.Error(err)
	}
	if err := CheckQuotas(ctx, "t2", map[string]float64{"api": 10}, check); err == nil {
		t.Error("a check that failed passed")
	}
}

func TestAQuotaOfTenlyrs(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+tenantKey {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"metrics": {"api_call": {"used": 1000, "limit": 1000},
			"seats": {"used": 3, "limit": null}}}`)
	}))
	defer server.Close()
	client := tenlyr.New(tenlyr.Config{APIKey: tenantKey, BaseURL: server.URL})
	for quota, wanted := range map[string]int{"api_call": 429, "seats": 200, "smiles": 500} {
		enforce := EnforceQuota(QuotaOptions{Quota: quota, Client: client})
		if w := ask(tenancy(known).Handler(enforce(hello)), "acme"); w.Code != wanted {
			t.Errorf("%s: %d %s", quota, w.Code, w.Body)
		}
	}
}

func TestFromAPI(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v1/tenants/t1":
			_, _ = io.WriteString(w, `{"id": "t1", "status": "suspended", "plan": "scale"}`)
		case "/api/v1/tenants/t2":
			w.WriteHeader(http.StatusForbidden)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	lookup := FromAPI(tenlyr.New(tenlyr.Config{APIKey: tenantKey, BaseURL: server.URL}))
	ctx := context.Background()
	found, err := lookup(ctx, "t1")
	if err != nil || found.Status != tenlyr.TenantSuspended || found.Plan != tenlyr.PlanScale {
		t.Error(found, err)
	}
	if found, err := lookup(ctx, "nobody"); found != nil || err != nil {
		t.Error(found, err)
	}
	if _, err := lookup(ctx, "t2"); !errors.Is(err, tenlyr.ErrPermission) {
		t.Error(err)
	}
}

func TestATenantsKeyIsNotPrinted(t *testing.T) {
	tenant := *everybody["acme"]
	text, err := json.Marshal(tenant)
	printed := fmt.Sprintf("%v %+v %#v %v %+v %s", tenant, tenant, tenant, &tenant, &tenant, text)
	if err != nil || strings.Contains(printed, "tenlyr_live") {
		t.Error(printed, err)
	}
}

func TestMistakesAreToldAtOnce(t *testing.T) {
	for name, make := range map[string]func(){
		"no lookup":  func() { New(Options{Resolve: Header("")}) },
		"no resolve": func() { New(Options{Lookup: known}) },
		"no plan":    func() { RequirePlan("gold") },
		"no check":   func() { EnforceQuota(QuotaOptions{Quota: "api"}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error(name)
				}
			}()
			make()
		}()
	}
}

func TestLookupsAreRemembered(t *testing.T) {
	var lookups atomic.Int32
	open := tenancy(func(ctx context.Context, name string) (*Tenant, error) {
		lookups.Add(1)
		return known(ctx, name)
	})
	at := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	open.cache.now = func() time.Time { return at }
	handler := open.Handler(hello)
	step := func(why string, name string, later time.Duration, wanted int32) {
		t.Helper()
		at = at.Add(later)
		ask(handler, name)
		if got := lookups.Load(); got != wanted {
			t.Errorf("%s: %d lookups, not %d", why, got, wanted)
		}
	}
	step("first", "acme", 0, 1)
	step("again", "acme", 59*time.Second, 1)
	step("after its time", "acme", time.Second, 2)
	step("nobody", "nobody", 0, 3)
	step("still nobody", "nobody", 4*time.Second, 3)
	step("maybe somebody", "nobody", time.Second, 4)
	step("a failure", "trouble", 0, 5)
	step("is not kept", "trouble", 0, 6)
	open.Forget("acme")
	step("forgotten", "acme", 0, 7)
}

func TestTheCacheIsBounded(t *testing.T) {
	open := New(Options{Resolve: Header(""), Lookup: known, CacheSize: 2})
	handler := open.Handler(hello)
	for _, name := range []string{"acme", "globex", "acme", "initech"} {
		ask(handler, name)
	}
	if _, ok := open.cache.entries["globex"]; ok || len(open.cache.entries) != 2 {
		t.Error("the one used longest ago is kept")
	}
}

func TestOneLookupForManyRequests(t *testing.T) {
	var lookups atomic.Int32
	arrived, release := make(chan struct{}), make(chan struct{})
	open := tenancy(func(ctx context.Context, name string) (*Tenant, error) {
		if lookups.Add(1) == 1 {
			close(arrived)
		}
		<-release
		return known(ctx, name)
	})
	handler := open.Handler(hello)
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			if w := ask(handler, "acme"); w.Body.String() != "t1 acme" {
				t.Error(w.Code, w.Body)
			}
		}()
	}
	<-arrived
	close(release)
	all.Wait()
	if got := lookups.Load(); got != 1 {
		t.Errorf("%d lookups", got)
	}
}

func TestARequestThatIsGivenUpEndsAlone(t *testing.T) {
	release := make(chan struct{})
	open := tenancy(func(ctx context.Context, name string) (*Tenant, error) {
		<-release
		return known(ctx, name)
	})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := open.cache.get(ctx, "acme"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(release)
	if found, err := open.cache.get(context.Background(), "acme"); err != nil || found.ID != "t1" {
		t.Error(found, err)
	}
}

func TestALookupThatPanicsIsAFailure(t *testing.T) {
	handler := tenancy(func(context.Context, string) (*Tenant, error) { panic("oh") }).Handler(hello)
	if w := ask(handler, "acme"); w.Code != 500 {
		t.Error(w.Code)
	}
}
