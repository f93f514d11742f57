package tenlyr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ledger is a server that stores each event of an id once, and fails as it is told before or after.
type ledger struct {
	mutex   sync.Mutex
	stored  map[string]int
	batches int
	// before and after may answer in its place; they get the number of the batch.
	before func(number int, w http.ResponseWriter) bool
	after  func(number int, w http.ResponseWriter) bool
	judge  func(event TrackRequest) BatchResult
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var events []TrackRequest
	if err := json.NewDecoder(r.Body).Decode(&events); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.batches++
	if l.before != nil && l.before(l.batches, w) {
		return
	}
	answer := Batch{Results: []BatchResult{}}
	for i, event := range events {
		result := BatchResult{Status: http.StatusCreated, ID: event.ID}
		if l.judge != nil {
			result = l.judge(event)
		}
		result.Index = i
		if result.Status == http.StatusCreated {
			l.stored[event.ID] = 1
		}
		answer.Results = append(answer.Results, result)
	}
	if l.after != nil && l.after(l.batches, w) {
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (l *ledger) count() int {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return len(l.stored)
}

func bufferOn(
	t *testing.T, books *ledger, params UsageBufferParams, change func(*Config),
) *Buffer {
	t.Helper()
	books.stored = map[string]int{}
	return bufferAt(t, startServer(t, books), params, change)
}

func startServer(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func bufferAt(
	t *testing.T, address string, params UsageBufferParams, change func(*Config),
) *Buffer {
	t.Helper()
	client, _ := clientOf(t, address, func(c *Config) {
		c.Sleep, c.RetryDelay = nil, time.Millisecond
		if change != nil {
			change(c)
		}
	})
	client.now = time.Now
	return client.Usage.Buffer(params)
}

func put(t *testing.T, buffer *Buffer, events int, keys ...string) {
	t.Helper()
	for i := range events {
		err := buffer.Track(background, TrackRequest{
			TenantAPIKey: withKeys(t, keys[i%len(keys)]), Metric: MetricAPICall, Value: 1,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(background, 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestABufferSendsBatchesOfEachTenant(t *testing.T) {
	books := &ledger{}
	buffer := bufferOn(t, books, UsageBufferParams{FlushEvents: 50, FlushInterval: time.Hour}, nil)
	put(t, buffer, 220, "$TENANT", "$OTHER_TENANT")
	if err := buffer.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	if books.count() != 220 || books.batches < 6 || buffer.Pending() != 0 {
		t.Errorf("%d events in %d batches, %d left", books.count(), books.batches, buffer.Pending())
	}
	if err := buffer.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	err := buffer.Track(background, TrackRequest{TenantAPIKey: withKeys(t, "$TENANT"), Value: 1})
	if !errors.Is(err, ErrBufferClosed) {
		t.Errorf("after its end: %v", err)
	}
}

func TestAnEventThatCannotBeSentIsToldAtOnce(t *testing.T) {
	books := &ledger{}
	buffer := bufferOn(t, books, UsageBufferParams{FlushInterval: time.Hour}, nil)
	nan := math.NaN()
	put(t, buffer, 2, "$TENANT")
	for _, bad := range []TrackRequest{
		{Value: nan}, {Value: math.Inf(1)}, {Value: 1, LatencyMs: &nan},
		{Value: 1, Timestamp: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		bad.TenantAPIKey, bad.Metric = withKeys(t, "$TENANT"), MetricAPICall
		var told *Error
		if err := buffer.Track(background, bad); !errors.As(err, &told) ||
			told.Code != "invalid_argument" {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := buffer.Close(within(t)); err != nil || books.count() != 2 {
		t.Errorf("%d events, %v", books.count(), err)
	}
}

func TestTimeAloneSendsToo(t *testing.T) {
	books := &ledger{}
	arrived := make(chan struct{}, 1)
	books.after = func(int, http.ResponseWriter) bool {
		arrived <- struct{}{}
		return false
	}
	buffer := bufferOn(t, books, UsageBufferParams{FlushInterval: 5 * time.Millisecond}, nil)
	put(t, buffer, 1, "$TENANT")
	select {
	case <-arrived:
	case <-within(t).Done():
		t.Fatal("nothing came")
	}
	if err := buffer.Close(within(t)); err != nil {
		t.Fatal(err)
	}
}

// Every third batch is lost before it is stored, every fifth answer afterwards.
func TestNothingIsLostOrDoubled(t *testing.T) {
	books := &ledger{
		before: func(number int, w http.ResponseWriter) bool {
			if number%3 == 0 {
				reset(w, nil)
			}
			return number%3 == 0
		},
		after: func(number int, w http.ResponseWriter) bool {
			switch {
			case number%5 == 0:
				truncated(w, nil)
			case number%7 == 0:
				w.WriteHeader(http.StatusServiceUnavailable)
			default:
				return false
			}
			return true
		},
	}
	buffer := bufferOn(t, books, UsageBufferParams{MaxEvents: 700, FlushEvents: 100},
		func(c *Config) { c.Retries = NoRetries })
	put(t, buffer, 5000, "$TENANT", "$OTHER_TENANT")
	if buffer.Pending() > 700 {
		t.Errorf("%d events held", buffer.Pending())
	}
	if err := buffer.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	if books.count() != 5000 {
		t.Errorf("%d events of 5000", books.count())
	}
}

// What the server did in time that the client no longer waited for counts once.
func TestATimeOutIsSentAgainUnderTheSameID(t *testing.T) {
	var lost atomic.Bool
	release := make(chan struct{})
	books := &ledger{}
	books.after = func(int, http.ResponseWriter) bool {
		if lost.CompareAndSwap(false, true) {
			books.mutex.Unlock()
			<-release
			books.mutex.Lock()
		}
		return false
	}
	buffer := bufferOn(t, books, UsageBufferParams{FlushEvents: 10},
		func(c *Config) { c.Timeout = 200 * time.Millisecond })
	t.Cleanup(func() { close(release) })
	put(t, buffer, 10, "$TENANT")
	if err := buffer.Flush(within(t)); err != nil {
		t.Fatal(err)
	}
	if books.count() != 10 || books.batches < 2 {
		t.Errorf("%d events in %d batches", books.count(), books.batches)
	}
}

func TestWhatIsRefusedForGoodIsTold(t *testing.T) {
	var throttled atomic.Int32
	books := &ledger{judge: func(event TrackRequest) BatchResult {
		switch event.Endpoint {
		case "limit":
			return BatchResult{Status: 400, Code: "plan_limit_exceeded", Message: "full"}
		case "throttle":
			if throttled.Add(1) < 3 {
				return BatchResult{Status: 429, Code: "throttled"}
			}
		}
		return BatchResult{Status: 201, ID: event.ID}
	}}
	told := make(chan string, 10)
	buffer := bufferOn(t, books, UsageBufferParams{OnError: func(event TrackRequest, err error) {
		told <- fmt.Sprint(event.Endpoint, " ", errors.Is(err, ErrPlanLimitExceeded))
	}}, nil)
	for _, endpoint := range []string{"fine", "limit", "throttle"} {
		err := buffer.Track(background, TrackRequest{
			TenantAPIKey: withKeys(t, "$TENANT"), Metric: MetricAPICall, Value: 1, Endpoint: endpoint,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := buffer.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	if books.count() != 2 || len(told) != 1 || <-told != "limit true" {
		t.Errorf("%d stored, %d told", books.count(), len(told))
	}
}

// One event that makes a whole batch wrong takes no other with it.
func TestABatchThatIsRefusedIsTakenApart(t *testing.T) {
	var told atomic.Int32
	books := &ledger{stored: map[string]int{}}
	picky := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > 2000 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		books.ServeHTTP(w, r)
	})
	buffer := bufferAt(t, startServer(t, picky), UsageBufferParams{
		OnError: func(TrackRequest, error) { told.Add(1) },
	}, nil)
	put(t, buffer, 100, "$TENANT")
	if err := buffer.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	if books.count() != 100 || told.Load() != 0 {
		t.Errorf("%d stored, %d told", books.count(), told.Load())
	}
}

func TestARevokedKeyIsTold(t *testing.T) {
	var told atomic.Int32
	server := startFaulty(t, status(http.StatusUnauthorized))
	buffer := bufferAt(t, server.URL, UsageBufferParams{
		OnError: func(_ TrackRequest, err error) {
			if errors.Is(err, ErrAuthentication) {
				told.Add(1)
			}
		},
	}, nil)
	put(t, buffer, 3, "$TENANT")
	if err := buffer.Close(within(t)); err != nil || told.Load() != 3 {
		t.Errorf("%v, %d told", err, told.Load())
	}
}

func TestAFullBufferDropsOrWaits(t *testing.T) {
	server := startFaulty(t, hang)
	event := TrackRequest{TenantAPIKey: withKeys(t, "$TENANT"), Metric: MetricSeats, Value: 1}
	for _, choice := range []WhenFull{BufferDrop, BufferWait} {
		dropped, lost := 0, 0
		buffer := bufferAt(t, server.URL, UsageBufferParams{
			MaxEvents: 3, FlushInterval: time.Hour, WhenFull: choice,
			OnDrop: func(TrackRequest) { dropped++ },
			OnError: func(_ TrackRequest, err error) {
				if errors.Is(err, ErrTimeout) {
					lost++
				}
			},
		}, nil)
		put(t, buffer, 3, "$TENANT")
		ctx, cancel := context.WithCancel(background)
		if choice == BufferWait {
			cancel()
		}
		err := buffer.Track(ctx, event)
		if choice == BufferDrop && (!errors.Is(err, ErrBufferFull) || dropped != 1) {
			t.Errorf("drop: %v, %d dropped", err, dropped)
		}
		if choice == BufferWait && (!errors.Is(err, context.Canceled) || dropped != 0) {
			t.Errorf("wait: %v, %d dropped", err, dropped)
		}
		cancel()
		short, stop := context.WithTimeout(background, 20*time.Millisecond)
		if err := buffer.Close(short); !errors.Is(err, ErrTimeout) || buffer.Pending() != 0 {
			t.Errorf("close: %v, %d left", err, buffer.Pending())
		}
		stop()
		wanted := map[WhenFull]int{BufferDrop: 1, BufferWait: 0}[choice]
		if dropped != wanted || lost != 3 {
			t.Errorf("%s: %d dropped, %d lost", choice, dropped, lost)
		}
	}
}

// The throughput of a buffer before a server that answers at once.
func BenchmarkBuffer(b *testing.B) {
	books := &ledger{stored: map[string]int{}}
	server := httptest.NewServer(books)
	defer server.Close()
	key := "tenlyr_live_ConformanceTenant1ConformanceTenant1Conf2zXRzE"
	buffer := New(Config{APIKey: key, BaseURL: server.URL}).Usage.Buffer(UsageBufferParams{})
	for range b.N {
		event := TrackRequest{TenantAPIKey: key, Metric: MetricAPICall, Value: 1}
		if err := buffer.Track(background, event); err != nil {
			b.Fatal(err)
		}
	}
	if err := buffer.Close(background); err != nil || books.count() != b.N {
		b.Fatal(err, books.count())
	}
}
