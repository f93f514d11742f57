package tenlyrhttp

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Resolver answers the name of a request's tenant, "" for none. Any function of this form is a
// strategy of your own.
type Resolver func(r *http.Request) (string, error)

// FirstOf asks resolvers in turn; the first name counts.
func FirstOf(resolvers ...Resolver) Resolver {
	return func(r *http.Request) (string, error) {
		for _, resolve := range resolvers {
			if name, err := resolve(r); name != "" || err != nil {
				return name, err
			}
		}
		return "", nil
	}
}

// Subdomain takes the label before a domain: of acme.app.example.com before app.example.com it is
// acme. Where the domain is empty it takes the first of three labels or more, unless that is www.
func Subdomain(baseDomain string) Resolver {
	tail := "." + strings.ToLower(strings.Trim(baseDomain, "."))
	return func(r *http.Request) (string, error) {
		host := hostOf(r)
		if tail == "." {
			return firstLabel(host), nil
		}
		label, ok := strings.CutSuffix(host, tail)
		if !ok || strings.Contains(label, ".") {
			return "", nil
		}
		return label, nil
	}
}

func firstLabel(host string) string {
	labels := strings.Split(host, ".")
	if len(labels) < 3 || labels[0] == "www" || net.ParseIP(strings.Trim(host, "[]")) != nil {
		return ""
	}
	return labels[0]
}

// CustomDomain asks whose a host name is (small letters, no port); "" is nobody's. Each request
// asks: remember what is slow.
func CustomDomain(lookup func(ctx context.Context, host string) (string, error)) Resolver {
	return func(r *http.Request) (string, error) { return lookup(r.Context(), hostOf(r)) }
}

// Path takes the segment after a prefix, "/t/" where that is empty: of /t/acme/invoices it is acme.
func Path(prefix string) Resolver {
	if prefix == "" {
		prefix = "/t/"
	}
	return func(r *http.Request) (string, error) {
		rest, ok := strings.CutPrefix(r.URL.EscapedPath(), prefix)
		if !ok {
			return "", nil
		}
		segment, _, _ := strings.Cut(rest, "/")
		name, err := url.PathUnescape(segment)
		if err != nil {
			return "", nil // half an escape names nobody
		}
		return name, nil
	}
}

// Header takes a header's value: of X-Tenant-ID where the name is empty.
func Header(name string) Resolver {
	if name == "" {
		name = "X-Tenant-ID"
	}
	return func(r *http.Request) (string, error) {
		return strings.TrimSpace(r.Header.Get(name)), nil
	}
}

// Query takes a parameter's value: of tenant where the name is empty.
func Query(parameter string) Resolver {
	if parameter == "" {
		parameter = "tenant"
	}
	return func(r *http.Request) (string, error) { return r.URL.Query().Get(parameter), nil }
}

// JWT takes a claim of the bearer token: tenant_id where the name is empty. Verify answers the
// claims once the token's signature and times are verified, nil for a token that is not genuine;
// there is no default, for an unverified token would let anybody be any tenant.
func JWT(
	verify func(ctx context.Context, token string) (map[string]any, error), claim string,
) Resolver {
	if claim == "" {
		claim = "tenant_id"
	}
	return func(r *http.Request) (string, error) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if token = strings.TrimSpace(token); token == "" || !strings.EqualFold(scheme, "Bearer") {
			return "", nil
		}
		claims, err := verify(r.Context(), token)
		if err != nil {
			return "", err
		}
		name, _ := claims[claim].(string)
		return name, nil
	}
}

// hostOf is the request's host in small letters, without port and the root's dot.
func hostOf(r *http.Request) string {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.ToLower(strings.TrimSpace(host)), ".")
}
