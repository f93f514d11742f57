package tenlyr

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// exchange is a request that must come, and what it is answered with.
type exchange struct {
	Request struct {
		Method  string            `json:"method"`
		Path    string            `json:"path"`
		Query   map[string]string `json:"query"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	} `json:"request"`
	Response struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
		RawBody *string           `json:"rawBody"`
	} `json:"response"`
	Fault string `json:"fault"`
}

// scripted is a transport that answers what a case says, and tells what differs.
type scripted struct {
	t         *testing.T
	mutex     sync.Mutex
	exchanges []exchange
	same      map[string]string
}

func httpClient(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: transport}
}

func (s *scripted) RoundTrip(request *http.Request) (*http.Response, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.exchanges) == 0 {
		s.t.Errorf("one request too many: %s %s", request.Method, request.URL)
		return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	next := s.exchanges[0]
	s.exchanges = s.exchanges[1:]
	s.compare(next, request)
	return answerTo(request, next)
}

func (s *scripted) compare(wanted exchange, got *http.Request) {
	s.t.Helper()
	if got.Method != wanted.Request.Method || got.URL.EscapedPath() != wanted.Request.Path {
		s.t.Errorf("wanted %s %s, got %s %s", wanted.Request.Method, wanted.Request.Path,
			got.Method, got.URL.EscapedPath())
	}
	query := map[string]string{}
	for name, values := range got.URL.Query() {
		query[name] = strings.Join(values, ",")
	}
	if wanted.Request.Query != nil && !reflect.DeepEqual(query, wanted.Request.Query) {
		s.t.Errorf("query: wanted %v, got %v", wanted.Request.Query, query)
	}
	for name, value := range wanted.Request.Headers {
		if !s.fits(value, got.Header.Get(name)) {
			s.t.Errorf("header %s: wanted %q, got %q", name, value, got.Header.Get(name))
		}
	}
	if agent := got.Header.Get("User-Agent"); agent != "tenlyr-sdk/1.0.0" {
		s.t.Errorf("user agent %q", agent)
	}
	s.compareBody(wanted.Request.Body, got)
}

func (s *scripted) compareBody(wanted json.RawMessage, got *http.Request) {
	s.t.Helper()
	var body []byte
	if got.Body != nil {
		var err error
		if body, err = io.ReadAll(got.Body); err != nil {
			s.t.Error(err)
		}
	}
	if len(wanted) == 0 {
		if len(body) > 0 && string(body) != "{}" {
			s.t.Errorf("a body that should not be: %s", body)
		}
		return
	}
	var expected, sent any
	if err := json.Unmarshal(wanted, &expected); err != nil {
		s.t.Error(err)
	}
	if err := json.Unmarshal(body, &sent); err != nil || !s.equal(expected, sent) {
		s.t.Errorf("body: wanted %s, got %s", wanted, body)
	}
}

// equal compares JSON, placeholders apart. A null that may be sent is left out by this SDK.
func (s *scripted) equal(wanted, got any) bool {
	switch wanted := wanted.(type) {
	case map[string]any:
		fields, ok := got.(map[string]any)
		for name, value := range wanted {
			ok = ok && (value == nil && fields[name] == nil || s.equal(value, fields[name]))
		}
		for name := range fields {
			_, known := wanted[name]
			ok = ok && known
		}
		return ok
	case []any:
		rows, ok := got.([]any)
		ok = ok && len(rows) == len(wanted)
		for i := 0; ok && i < len(wanted); i++ {
			ok = s.equal(wanted[i], rows[i])
		}
		return ok
	case string:
		text, ok := got.(string)
		return ok && (s.fits(wanted, text) || sameTime(wanted, text))
	}
	return reflect.DeepEqual(wanted, got)
}

var (
	uuidForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$`)
)

func (s *scripted) fits(wanted, got string) bool {
	if wanted == "$uuid" {
		return uuidForm.MatchString(got)
	}
	if wanted == "$time" {
		return timeForm.MatchString(got)
	}
	if name, ok := strings.CutPrefix(wanted, "$same:"); ok {
		before, seen := s.same[name]
		s.same[name] = got
		return got != "" && (!seen || before == got)
	}
	return wanted == got
}

func answerTo(request *http.Request, next exchange) (*http.Response, error) {
	switch next.Fault {
	case "refused":
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	case "reset":
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	case "timeout":
		return nil, os.ErrDeadlineExceeded
	}
	status, body := next.Response.Status, []byte(next.Response.Body)
	if next.Response.RawBody != nil {
		body = []byte(*next.Response.RawBody)
	}
	content := io.Reader(bytes.NewReader(body))
	if next.Fault == "truncated" {
		status = max(status, http.StatusOK)
		content = io.MultiReader(strings.NewReader(`{"id": "01`), cutOff{})
	}
	response := &http.Response{
		StatusCode: status, Header: http.Header{}, Body: io.NopCloser(content), Request: request,
	}
	for name, value := range next.Response.Headers {
		response.Header.Set(name, value)
	}
	return response, nil
}

type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// fakeClock stands still but for its sleeps, and remembers them.
type fakeClock struct {
	mutex sync.Mutex
	at    time.Time
	waits []time.Duration
}

func (c *fakeClock) now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.at
}

func (c *fakeClock) sleep(ctx context.Context, wait time.Duration) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.at = c.at.Add(wait)
	c.waits = append(c.waits, wait)
	return ctx.Err()
}

// inTurn answers values one after the other; the last one stays.
func inTurn(values []float64) func() float64 {
	if len(values) == 0 {
		values = []float64{1}
	}
	next := 0
	return func() float64 {
		value := values[min(next, len(values)-1)]
		next++
		return value
	}
}
