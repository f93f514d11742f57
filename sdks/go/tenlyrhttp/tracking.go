package tenlyrhttp

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

// Tracker is what events go to: a *tenlyr.Buffer.
type Tracker interface {
	Track(ctx context.Context, event tenlyr.TrackRequest) error
}

// TrackingOptions is how responses are tracked.
type TrackingOptions struct {
	// Metric is MetricAPICall where it is empty.
	Metric tenlyr.UsageMetric
	// Endpoint is what is told as the endpoint: the path, cut at 255 characters.
	Endpoint func(r *http.Request) string
	// OnError is told what could not be tracked: the default logger.
	OnError func(r *http.Request, err error)
}

const longestEndpoint = 255

var errNoKey = errors.New("tenlyrhttp: the lookup gave the tenant no APIKey, so nothing is tracked")

// TrackUsage tracks every response with its status, since only who sees failures can tell how a
// tenant is; what failed with 500 or above is not billed. It stands behind Tenancy.Handler. A
// buffer that waits when it is full makes responses wait, too; tenlyr.BufferDrop does not.
func TrackUsage(tracker Tracker, options TrackingOptions) Middleware {
	if options.Metric == "" {
		options.Metric = tenlyr.MetricAPICall
	}
	if options.Endpoint == nil {
		options.Endpoint = func(r *http.Request) string { return r.URL.Path }
	}
	if options.OnError == nil {
		options.OnError = func(r *http.Request, err error) {
			slog.WarnContext(r.Context(), "tenlyrhttp: usage was not tracked", "error", err)
		}
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			watched := &watchedWriter{ResponseWriter: w}
			began := time.Now()
			returned := false
			// A handler that panics has failed, whatever it wrote; the panic goes on.
			defer func() {
				options.track(tracker, r, watched.finalStatus(returned), time.Since(began))
			}()
			next.ServeHTTP(watched, r)
			returned = true
		})
	}
}

func (o TrackingOptions) track(
	tracker Tracker, r *http.Request, status int, took time.Duration,
) {
	tenant, ok := TenantFrom(r.Context())
	if !ok {
		return
	}
	if tenant.APIKey == "" {
		o.OnError(r, errNoKey)
		return
	}
	event := tenlyr.TrackRequest{
		TenantAPIKey: tenant.APIKey, Metric: o.Metric, Value: 1,
		Endpoint: cut(o.Endpoint(r)), StatusCode: status,
		LatencyMs: tenlyr.Ptr(float64(took.Microseconds()) / 1000),
	}
	// The response is made: that its receiver is gone does not make the use undone.
	if err := tracker.Track(context.WithoutCancel(r.Context()), event); err != nil {
		o.OnError(r, err)
	}
}

// cut keeps the beginning of what is too long, and no half characters.
func cut(endpoint string) string {
	kept := 0
	for at := range endpoint {
		if kept++; kept > longestEndpoint {
			return endpoint[:at]
		}
	}
	return endpoint
}

// watchedWriter remembers the status of a response.
type watchedWriter struct {
	http.ResponseWriter
	status int
}

// finalStatus is what the receiver saw, or 500 where the handler panicked.
func (w *watchedWriter) finalStatus(returned bool) int {
	switch {
	case !returned:
		return http.StatusInternalServerError
	case w.status == 0:
		return http.StatusOK
	}
	return w.status
}

// WriteHeader passes a status on. Those below 200 are not the last word, but for 101.
func (w *watchedWriter) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write passes on; the first one implies 200.
func (w *watchedWriter) Write(content []byte) (int, error) {
	w.begin()
	return w.ResponseWriter.Write(content)
}

// ReadFrom lets the server send files in its own fast way.
func (w *watchedWriter) ReadFrom(source io.Reader) (int64, error) {
	w.begin()
	return io.Copy(w.ResponseWriter, source)
}

func (w *watchedWriter) begin() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
}

// Unwrap is for http.ResponseController.
func (w *watchedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush passes on, where the server can.
func (w *watchedWriter) Flush() {
	w.begin()
	_ = http.NewResponseController(w.ResponseWriter).Flush() // an http.Flusher cannot tell
}

// Hijack passes on, where the server can.
func (w *watchedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	connection, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil && w.status == 0 {
		w.status = http.StatusSwitchingProtocols
	}
	return connection, buffered, err
}
