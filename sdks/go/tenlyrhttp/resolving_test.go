package tenlyrhttp

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func verifyWord(_ context.Context, token string) (map[string]any, error) {
	switch token {
	case "genuine":
		return map[string]any{"tenant_id": "acme", "org": "globex", "number": 7}, nil
	case "trouble":
		return nil, errors.New("no keys")
	}
	return nil, nil
}

func domains(_ context.Context, host string) (string, error) {
	return map[string]string{"crm.acme.example": "acme"}[host], nil
}

type strategyCase struct {
	name    string
	resolve Resolver
	url     string
	header  string // its name and its value
	wanted  string
}

func strategyCases() []strategyCase {
	sub, any3 := Subdomain("app.example.com"), Subdomain("")
	jwt, org := JWT(verifyWord, ""), JWT(verifyWord, "org")
	domain, method := CustomDomain(domains), func(r *http.Request) (string, error) {
		return r.Method, nil
	}
	return []strategyCase{
		{"subdomain", sub, "http://Acme.app.example.com:80/", "", "acme"},
		{"subdomain, the root", sub, "http://app.example.com/", "", ""},
		{"subdomain, two labels", sub, "http://a.b.app.example.com/", "", ""},
		{"subdomain, another", sub, "http://acme.evilapp.example.com/", "", ""},
		{"subdomain, root's dot", sub, "http://acme.app.example.com./", "", "acme"},
		{"subdomain, no base", any3, "http://acme.example.com/", "", "acme"},
		{"subdomain, www", any3, "http://www.example.com/", "", ""},
		{"subdomain, too short", any3, "http://example.com/", "", ""},
		{"subdomain, an address", any3, "http://10.0.0.1:8080/", "", ""},
		{"subdomain, an IPv6 one", any3, "http://[2001:db8::1.2.3.4]/", "", ""},
		{"custom domain", domain, "http://CRM.acme.example:443/", "", "acme"},
		{"custom domain, none", domain, "http://other.example/", "", ""},
		{"path", Path(""), "http://h/t/acme/invoices", "", "acme"},
		{"path, nothing behind", Path(""), "http://h/t/acme", "", "acme"},
		{"path, encoded", Path(""), "http://h/t/a%2Fb/x", "", "a/b"},
		{"path, another", Path(""), "http://h/u/acme", "", ""},
		{"path, own prefix", Path("/org/"), "http://h/org/acme", "", "acme"},
		{"header", Header(""), "http://h/", "X-Tenant-ID:  acme ", "acme"},
		{"header, own name", Header("X-Org"), "http://h/", "X-Org: acme", "acme"},
		{"header, none", Header(""), "http://h/", "", ""},
		{"query", Query(""), "http://h/?tenant=acme", "", "acme"},
		{"query, own name", Query("org"), "http://h/?org=acme&tenant=x", "", "acme"},
		{"jwt", jwt, "http://h/", "Authorization: bearer genuine", "acme"},
		{"jwt, own claim", org, "http://h/", "Authorization: Bearer genuine", "globex"},
		{"jwt, no text", JWT(verifyWord, "number"), "http://h/", "Authorization: Bearer genuine", ""},
		{"jwt, not genuine", jwt, "http://h/", "Authorization: Bearer forged", ""},
		{"jwt, another scheme", jwt, "http://h/", "Authorization: Basic genuine", ""},
		{"custom", method, "http://h/", "", "GET"},
		{"the first", FirstOf(Header(""), Query(""), Path("")), "http://h/t/b?tenant=a", "", "a"},
		{"none that knows", FirstOf(Header(""), Query("")), "http://h/", "", ""},
	}
}

func TestTheStrategies(t *testing.T) {
	for _, one := range strategyCases() {
		r := httptest.NewRequest(http.MethodGet, one.url, nil)
		if name, value, ok := strings.Cut(one.header, ": "); ok {
			r.Header.Set(name, value)
		}
		if got, err := one.resolve(r); got != one.wanted || err != nil {
			t.Errorf("%s: wanted %q, got %q, %v", one.name, one.wanted, got, err)
		}
	}
}

func TestAVerifierThatFailsIsNoStranger(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer trouble")
	if _, err := FirstOf(JWT(verifyWord, ""), Query(""))(r); err == nil {
		t.Error("its error is lost")
	}
}
