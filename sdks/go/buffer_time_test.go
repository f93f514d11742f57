package tenlyr

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// timed is the times that came with an event, in their order; "" where there was none.
type timed struct {
	mutex sync.Mutex
	came  map[string][]string
}

func (s *timed) note(event TrackRequest) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.came == nil {
		s.came = map[string][]string{}
	}
	at := ""
	if !event.Timestamp.IsZero() {
		at = event.Timestamp.Format(time.RFC3339Nano)
	}
	s.came[event.ID] = append(s.came[event.ID], at)
}

func (s *timed) of(id string) []string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.came[id]
}

func trackAt(t *testing.T, buffer *Buffer, id string, at time.Time) {
	t.Helper()
	err := buffer.Track(background, TrackRequest{
		TenantAPIKey: withKeys(t, "$TENANT"), Metric: MetricAPICall, Value: 1, ID: id, Timestamp: at,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What waits over the end of a month, and is sent twice, is of the month in which it was taken.
func TestAnEventHasTheTimeAtWhichItWasTaken(t *testing.T) {
	var seen timed
	books := &ledger{judge: func(event TrackRequest) BatchResult {
		seen.note(event)
		return BatchResult{Status: http.StatusCreated, ID: event.ID}
	}}
	books.after = func(number int, w http.ResponseWriter) bool {
		if number == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return number == 1
	}
	buffer := bufferOn(t, books, UsageBufferParams{FlushInterval: time.Hour}, nil)
	home := time.FixedZone("home", 3600)
	clock := &fakeClock{at: time.Date(2026, 11, 1, 0, 59, 59, 987_654_321, home)}
	buffer.usage.client.now = clock.now
	trackAt(t, buffer, "taken", time.Time{})
	trackAt(t, buffer, "given", time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC))
	if err := clock.sleep(background, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := buffer.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	taken, given := "2026-10-31T23:59:59.987Z", "2026-10-01T08:00:00Z"
	if !slices.Equal(seen.of("taken"), []string{taken, taken}) ||
		!slices.Equal(seen.of("given"), []string{given, given}) {
		t.Errorf("%v, %v", seen.of("taken"), seen.of("given"))
	}
}

// A wrong clock costs an event its exact time, never the event.
func TestATimeThatIsNotAcceptedIsLeftToTheServer(t *testing.T) {
	var seen timed
	told := map[string]time.Time{}
	books := &ledger{judge: func(event TrackRequest) BatchResult {
		seen.note(event)
		if !event.Timestamp.IsZero() || event.Value == 7 {
			return BatchResult{Status: http.StatusUnprocessableEntity, Code: "invalid_request"}
		}
		return BatchResult{Status: http.StatusCreated, ID: event.ID}
	}}
	buffer := bufferOn(t, books, UsageBufferParams{
		FlushInterval: time.Hour,
		OnError:       func(event TrackRequest, _ error) { told[event.ID] = event.Timestamp },
	}, nil)
	wrong := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	buffer.usage.client.now = (&fakeClock{at: wrong}).now
	given := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	trackAt(t, buffer, "taken", time.Time{})
	trackAt(t, buffer, "given", given)
	err := buffer.Track(background, TrackRequest{
		TenantAPIKey: withKeys(t, "$TENANT"), Metric: MetricAPICall, Value: 7, ID: "wrong",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := buffer.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	if books.count() != 1 || books.batches != 2 ||
		!slices.Equal(seen.of("taken"), []string{"2001-01-01T00:00:00Z", ""}) {
		t.Errorf("%d stored in %d batches: %v", books.count(), books.batches, seen.of("taken"))
	}
	if len(told) != 2 || !told["given"].Equal(given) || !told["wrong"].Equal(wrong) {
		t.Errorf("told %v", told)
	}
}

// What the caller does with its own variables afterwards changes no event.
func TestATakenEventIsTheBuffersOwn(t *testing.T) {
	var came []TrackRequest
	books := &ledger{judge: func(event TrackRequest) BatchResult {
		came = append(came, event)
		return BatchResult{Status: http.StatusCreated, ID: event.ID}
	}}
	buffer := bufferOn(t, books, UsageBufferParams{FlushInterval: time.Hour}, nil)
	isFine, latency := true, 12.5
	for range 2 {
		err := buffer.Track(background, TrackRequest{
			TenantAPIKey: withKeys(t, "$TENANT"), Metric: MetricAPICall, Value: 1,
			Success: &isFine, LatencyMs: &latency,
		})
		if err != nil {
			t.Fatal(err)
		}
		isFine, latency = false, 99
	}
	if err := buffer.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	if len(came) != 2 || !*came[0].Success || *came[0].LatencyMs != 12.5 ||
		*came[1].Success || *came[1].LatencyMs != 99 {
		t.Errorf("%+v", came)
	}
}
