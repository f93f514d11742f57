package tenlyr

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

func pages(t *testing.T, next func(cursor string) (string, string)) (*Client, *[]string) {
	t.Helper()
	asked := &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cursor := r.URL.Query().Get("cursor")
		*asked = append(*asked, cursor)
		body, following := next(cursor)
		if following != "" {
			w.Header().Set("X-Next-Cursor", following)
		}
		if body == "" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	client, _ := clientOf(t, server.URL, nil)
	return client, asked
}

func TestAWalkEndsWhereTheCallerStops(t *testing.T) {
	client, asked := pages(t, func(cursor string) (string, string) {
		return `[{"tenantId": "a"}, {"tenantId": "b"}]`, cursor + "x"
	})
	all := client.Health.ListAll(background, HealthListParams{})
	for range 2 { // A walk may be begun again.
		var seen []string
		for tenant, err := range all {
			if err != nil {
				t.Fatal(err)
			}
			if seen = append(seen, tenant.TenantID); len(seen) == 3 {
				break
			}
		}
	}
	if got := *asked; len(got) != 4 || got[0] != "" || got[1] != "x" || got[2] != "" {
		t.Errorf("asked for %q", got)
	}
}

func TestAWalkEndsWithItsError(t *testing.T) {
	client, _ := pages(t, func(cursor string) (string, string) {
		if cursor == "" {
			return `[{"tenantId": "a"}]`, "2"
		}
		return "", ""
	})
	var rows, failures int
	for _, err := range client.Health.ListAll(background, HealthListParams{}) {
		if err == nil {
			rows++
		} else if failures++; !errors.Is(err, ErrNotFound) {
			t.Error(err)
		}
	}
	if rows != 1 || failures != 1 {
		t.Errorf("%d rows, %d failures", rows, failures)
	}
}

func TestAWalkDoesNotGoRound(t *testing.T) {
	client, asked := pages(t, func(string) (string, string) { return `[]`, "same" })
	var last error
	for _, err := range client.Health.ListAll(background, HealthListParams{}) {
		last = err
	}
	if last == nil || len(*asked) != 2 {
		t.Errorf("%v after %q", last, *asked)
	}
}
