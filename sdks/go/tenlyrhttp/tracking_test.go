package tenlyrhttp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

// noted is a tracker that remembers, or fails.
type noted struct {
	events []tenlyr.TrackRequest
	err    error
}

func (n *noted) Track(_ context.Context, event tenlyr.TrackRequest) error {
	n.events = append(n.events, event)
	return n.err
}

func answering(status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(status)
	})
}

func TestEveryResponseIsTracked(t *testing.T) {
	books := &noted{}
	track := TrackUsage(books, TrackingOptions{})
	open := tenancy(known)
	for _, handler := range []http.Handler{
		answering(201), answering(404), answering(503), hello,
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}),
		RequirePlan("enterprise")(hello),
	} {
		ask(open.Handler(track(handler)), "acme")
	}
	wanted := []int{201, 404, 503, 200, 200, 403}
	if len(books.events) != len(wanted) {
		t.Fatal(books.events)
	}
	for i, event := range books.events {
		if event.StatusCode != wanted[i] || event.Endpoint != "/invoices" || event.Value != 1 ||
			event.Metric != tenlyr.MetricAPICall || event.TenantAPIKey != tenantKey ||
			*event.LatencyMs < 0 {
			t.Errorf("%d: %+v", wanted[i], event)
		}
	}
}

func TestAPanicIsAFailureAndGoesOn(t *testing.T) {
	books := &noted{}
	handler := tenancy(known).Handler(TrackUsage(books, TrackingOptions{})(
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(200)
			panic(http.ErrAbortHandler)
		})))
	func() {
		defer func() {
			if recover() != http.ErrAbortHandler {
				t.Error("the panic is lost")
			}
		}()
		ask(handler, "acme")
	}()
	if len(books.events) != 1 || books.events[0].StatusCode != 500 {
		t.Error(books.events)
	}
}

func TestWhatCannotBeTrackedIsTold(t *testing.T) {
	books := &noted{err: tenlyr.ErrBufferFull}
	var told []error
	track := TrackUsage(books, TrackingOptions{
		Endpoint: func(r *http.Request) string { return strings.Repeat("ä", 300) },
		OnError:  func(_ *http.Request, err error) { told = append(told, err) },
	})
	handler := tenancy(known).Handler(track(hello))
	for _, name := range []string{"acme", "globex"} {
		if w := ask(handler, name); w.Code != 200 {
			t.Error(w.Code)
		}
	}
	if len(told) != 2 || !errors.Is(told[0], tenlyr.ErrBufferFull) || !errors.Is(told[1], errNoKey) {
		t.Error(told)
	}
	if got := books.events[0].Endpoint; got != strings.Repeat("ä", 255) {
		t.Errorf("%d bytes", len(got))
	}
}

func TestResponsesStayWhatTheyCan(t *testing.T) {
	books := &noted{}
	wrap := func(handler http.HandlerFunc) string {
		done := make(chan struct{})
		all := tenancy(known).Handler(TrackUsage(books, TrackingOptions{})(handler))
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(done)
			r.Header.Set("X-Tenant-ID", "acme")
			all.ServeHTTP(w, r)
		}))
		defer server.Close()
		response, err := http.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		<-done // nobody waits for a hijacked connection's handler
		return string(body)
	}
	streamed := wrap(func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		_, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader("streamed"))
	})
	hijacked := wrap(func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		write(t, connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
	})
	if streamed != "streamed" || hijacked != "hi" {
		t.Error(streamed, hijacked)
	}
	if len(books.events) != 2 || books.events[1].StatusCode != http.StatusSwitchingProtocols {
		t.Error(books.events)
	}
}

func write(t *testing.T, connection net.Conn, text string) {
	t.Helper()
	_, err := io.WriteString(connection, text)
	if err == nil {
		err = connection.Close()
	}
	if err != nil {
		t.Error(err)
	}
}
