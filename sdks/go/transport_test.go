package tenlyr

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// faulty is a real server on the loopback whose answers go wrong, one after the other; the last
// one stays. It remembers what came.
type faulty struct {
	*httptest.Server
	mutex   sync.Mutex
	answers []http.HandlerFunc
	keys    []string
	bodies  []string
}

func startFaulty(t *testing.T, answers ...http.HandlerFunc) *faulty {
	t.Helper()
	server := &faulty{answers: answers}
	server.Server = httptest.NewServer(server)
	t.Cleanup(server.Close)
	return server
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mutex.Lock()
	answer := f.answers[min(len(f.keys), len(f.answers)-1)]
	f.keys = append(f.keys, r.Header.Get("Idempotency-Key"))
	f.bodies = append(f.bodies, string(body))
	f.mutex.Unlock()
	answer(w, r)
}

func (f *faulty) attempts() int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return len(f.keys)
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"id": "e1", "message": "no", "code": "c"}`)
	}
}

func hijacked(w http.ResponseWriter) *net.TCPConn {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	return connection.(*net.TCPConn)
}

func reset(w http.ResponseWriter, _ *http.Request) {
	cut(hijacked(w))
}

func truncated(w http.ResponseWriter, _ *http.Request) {
	connection := hijacked(w)
	_, _ = io.WriteString(connection, "HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{\"id\": ")
	_ = connection.Close()
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func slowBody(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusCreated)
	_ = http.NewResponseController(w).Flush()
	hang(w, r)
}

func redirect(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
}

func clientOf(t *testing.T, address string, change func(*Config)) (*Client, *fakeClock) {
	t.Helper()
	clock := &fakeClock{at: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)}
	config := Config{
		APIKey: withKeys(t, "$ADMIN"), BaseURL: address, Timeout: time.Minute,
		Sleep: clock.sleep, Random: func() float64 { return 1 },
	}
	if change != nil {
		change(&config)
	}
	client := New(config)
	client.now = clock.now
	return client, clock
}

func trackOne(t *testing.T, client *Client, ctx context.Context) error {
	t.Helper()
	return client.Usage.Track(ctx, TrackRequest{
		TenantAPIKey: withKeys(t, "$TENANT"), Metric: MetricAPICall, Value: 1,
	})
}

const ms = time.Millisecond

func TestFaults(t *testing.T) {
	jitter := []time.Duration{200 * ms, 400 * ms, 800 * ms}
	date := time.Date(2026, 11, 21, 10, 0, 7, 0, time.UTC).Format(http.TimeFormat)
	for name, one := range map[string]struct {
		answers []http.HandlerFunc
		kind    error
		status  int
		waits   []time.Duration
	}{
		"500":        {[]http.HandlerFunc{status(500)}, nil, 500, jitter},
		"503":        {[]http.HandlerFunc{status(503)}, nil, 503, jitter},
		"501":        {[]http.HandlerFunc{status(501)}, ErrNotImplemented, 501, nil},
		"400":        {[]http.HandlerFunc{status(400)}, nil, 400, nil},
		"409":        {[]http.HandlerFunc{status(409)}, ErrConflict, 409, nil},
		"429":        {[]http.HandlerFunc{status(429)}, ErrRateLimit, 429, jitter},
		"a redirect": {[]http.HandlerFunc{redirect}, nil, 307, nil},
		"reset":      {[]http.HandlerFunc{reset}, ErrNetwork, 0, jitter},
		"truncated":  {[]http.HandlerFunc{truncated}, ErrNetwork, 0, jitter},
		"500 and reset": {
			[]http.HandlerFunc{status(500), reset, status(201)}, nil, 201, jitter[:2],
		},
		"429 that asks to wait": {
			[]http.HandlerFunc{status(429, "Retry-After", "3"), status(201)},
			nil, 201, []time.Duration{3 * time.Second},
		},
		"429 that names a date": {
			[]http.HandlerFunc{status(429, "Retry-After", date), status(201)},
			nil, 201, []time.Duration{7 * time.Second},
		},
		"503 that asks for too much": {
			[]http.HandlerFunc{status(503, "Retry-After", "61")}, nil, 503, nil,
		},
		"429 that asks for words": {
			[]http.HandlerFunc{status(429, "Retry-After", "soon"), status(201)}, nil, 201, jitter[:1],
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := startFaulty(t, one.answers...)
			client, clock := clientOf(t, server.URL, nil)
			err := trackOne(t, client, background)
			checkFault(t, err, one.kind, one.status)
			compareWaits(t, inMs(one.waits), clock.waits)
			if server.attempts() != len(one.waits)+1 {
				t.Errorf("%d attempts", server.attempts())
			}
			for i, key := range server.keys {
				if key == "" || key != server.keys[0] || !strings.Contains(server.bodies[i], key) {
					t.Errorf("try %d is of another event: %q in %s", i+1, key, server.bodies[i])
				}
			}
		})
	}
}

func checkFault(t *testing.T, err, kind error, wanted int) {
	t.Helper()
	if wanted >= 200 && wanted < 300 {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	var base *Error
	if !errors.As(err, &base) || base.StatusCode != wanted {
		t.Fatalf("wanted status %d, got %v", wanted, err)
	}
	if kind != nil && !errors.Is(err, kind) {
		t.Errorf("wanted %v, got %v", kind, err)
	}
}

func inMs(waits []time.Duration) []float64 {
	var all []float64
	for _, wait := range waits {
		all = append(all, float64(wait)/float64(ms))
	}
	return all
}

func TestNobodyThereIsTriedAgain(t *testing.T) {
	// Nobody listens there, and no socket gets this port by chance.
	client, clock := clientOf(t, "http://127.0.0.1:1", nil)
	err := trackOne(t, client, background)
	var network *TenlyrNetworkError
	if !errors.As(err, &network) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatal(err)
	}
	compareWaits(t, []float64{200, 400, 800}, clock.waits)
}

func TestATimeOutIsNotTriedAgain(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{"hang": hang, "body": slowBody} {
		t.Run(name, func(t *testing.T) {
			server := startFaulty(t, answer)
			client, _ := clientOf(t, server.URL, func(c *Config) { c.Timeout = 50 * ms })
			err := trackOne(t, client, background)
			var timeout *TenlyrTimeoutError
			if !errors.As(err, &timeout) || !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			if server.attempts() > 1 {
				t.Errorf("%d attempts", server.attempts())
			}
		})
	}
}

func TestTheCallersDeadlineIsATimeOut(t *testing.T) {
	server := startFaulty(t, hang)
	client, _ := clientOf(t, server.URL, nil)
	ctx, cancel := context.WithTimeout(background, 50*ms)
	defer cancel()
	if err := trackOne(t, client, ctx); !errors.Is(err, ErrTimeout) {
		t.Fatal(err)
	}
}

func TestACancelledCallEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(background)
	server := startFaulty(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		hang(w, r)
	})
	client, _ := clientOf(t, server.URL, nil)
	err := trackOne(t, client, ctx)
	var base *Error
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrTimeout) || !errors.As(err, &base) {
		t.Fatal(err)
	}
	if server.attempts() > 1 {
		t.Errorf("%d attempts", server.attempts())
	}
}

func TestAContextThatEndsDuringAWait(t *testing.T) {
	server := startFaulty(t, status(503))
	ctx, cancel := context.WithCancel(background)
	client, _ := clientOf(t, server.URL, func(c *Config) {
		c.RetryDelay, c.Sleep = 30*time.Second, nil
		c.Hooks.OnRetry = func(RetryInfo) { cancel() }
	})
	if err := trackOne(t, client, ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestJitterStaysWithinItsBounds(t *testing.T) {
	server := startFaulty(t, status(500))
	bounds := []time.Duration{200 * ms, 400 * ms, 800 * ms}
	seen := map[time.Duration]bool{}
	for range 20 {
		client, clock := clientOf(t, server.URL, func(c *Config) { c.Random = nil })
		if err := trackOne(t, client, background); err == nil {
			t.Fatal("no error")
		}
		for i, wait := range clock.waits {
			if wait < 0 || wait > bounds[i] {
				t.Errorf("wait %d is %v", i+1, wait)
			}
			seen[wait] = true
		}
	}
	if len(seen) < 10 {
		t.Errorf("%d different waits in 60", len(seen))
	}
}

func TestBackOffIsBounded(t *testing.T) {
	client, _ := clientOf(t, "http://127.0.0.1", func(c *Config) { c.RetryDelay = time.Second })
	for attempt, wanted := range map[int]time.Duration{
		1: time.Second, 5: 16 * time.Second, 6: longestWait, 200: longestWait,
	} {
		if got := client.backOff(attempt); got != wanted {
			t.Errorf("after try %d: wanted %v, got %v", attempt, wanted, got)
		}
	}
}

func TestHooksHearOfEachTry(t *testing.T) {
	server := startFaulty(t, status(503, "X-Request-Id", "r1"), status(201, "X-Request-Id", "r2"))
	var heard []string
	client, _ := clientOf(t, server.URL, func(c *Config) {
		c.Hooks = Hooks{
			OnRequest: func(r RequestInfo) { heard = append(heard, r.Method+" "+r.URL) },
			OnResponse: func(r ResponseInfo) {
				heard = append(heard, r.RequestID+" "+http.StatusText(r.Status))
			},
			OnRetry: func(r RetryInfo) { heard = append(heard, r.Reason+" "+r.Wait.String()) },
		}
	})
	if err := trackOne(t, client, background); err != nil {
		t.Fatal(err)
	}
	sent := "POST " + server.URL + "/api/v1/usage/track"
	wanted := strings.Join([]string{
		sent, "r1 Service Unavailable", "503 200ms", sent, "r2 Created",
	}, "\n")
	if got := strings.Join(heard, "\n"); got != wanted {
		t.Errorf("wanted\n%s\ngot\n%s", wanted, got)
	}
}

func TestNothingIsSentWhenItIsWrong(t *testing.T) {
	server := startFaulty(t, status(201))
	wrongKey, _ := clientOf(t, server.URL, func(c *Config) { c.APIKey = "tenlyr_live_nonsense" })
	client, _ := clientOf(t, server.URL, nil)
	nowhere, _ := clientOf(t, "localhost:8000", nil)
	for name, call := range map[string]func() error{
		"key":       func() error { _, err := wrongKey.Health.Overview(background); return err },
		"no tenant": func() error { _, err := client.Usage.Metrics(background, ""); return err },
		"empty id":  func() error { _, err := client.Tenants.Get(background, ""); return err },
		"dots":      func() error { _, err := client.Tenants.Get(background, ".."); return err },
		"base URL":  func() error { _, err := nowhere.Health.Overview(background); return err },
		"idempotency key": func() error {
			_, err := client.Isolation.Prove(background, WithIdempotencyKey(" a"))
			return err
		},
		"another's event": func() error {
			_, err := client.Usage.TrackBatch(background, withKeys(t, "$TENANT"), []TrackRequest{
				{TenantAPIKey: withKeys(t, "$OTHER_TENANT"), Metric: MetricSeats, Value: 1},
			})
			return err
		},
		"no JSON": func() error {
			_, err := client.Alerts.Create(background, AlertsCreateParams{
				Metadata: map[string]any{"channel": make(chan int)},
			})
			return err
		},
	} {
		var base *Error
		if err := call(); !errors.As(err, &base) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "nonsense") {
			t.Errorf("%s: the message holds the key", name)
		}
	}
	if server.attempts() != 0 {
		t.Errorf("%d requests were sent", server.attempts())
	}
}
