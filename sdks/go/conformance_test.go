package tenlyr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// One case of ../conformance/cases; ../README.md says what its parts mean.
type conformanceCase struct {
	Name   string `json:"name"`
	Client struct {
		Retries      *int      `json:"retries"`
		RetryDelayMs *float64  `json:"retryDelayMs"`
		Random       []float64 `json:"random"`
		Key          *string   `json:"key"`
		BaseURL      string    `json:"baseUrl"`
	} `json:"client"`
	Call struct {
		Method string                     `json:"method"`
		Args   map[string]json.RawMessage `json:"args"`
	} `json:"call"`
	Exchanges []exchange      `json:"exchanges"`
	WaitsMs   []float64       `json:"waitsMs"`
	Result    json.RawMessage `json:"result"`
	Error     *struct {
		Class      string          `json:"class"`
		StatusCode *int            `json:"statusCode"`
		Code       *string         `json:"code"`
		RetryAfter json.RawMessage `json:"retryAfter"`
		Errors     []FieldError    `json:"errors"`
		Metric     *UsageMetric    `json:"metric"`
		Limit      *float64        `json:"limit"`
		Current    *float64        `json:"current"`
		ResetAt    *time.Time      `json:"resetAt"`
		Migration  json.RawMessage `json:"migration"`
	} `json:"error"`
}

type methodSpec struct {
	Method string   `json:"method"`
	HTTP   string   `json:"http"`
	Path   string   `json:"path"`
	Key    string   `json:"key"`
	Query  []string `json:"query"`
	Body   []string `json:"body"`
}

func readJSON[T any](t *testing.T, path string, into *T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "conformance", path))
	if err == nil {
		err = json.Unmarshal([]byte(withKeys(t, string(text))), into)
	}
	if err != nil {
		t.Fatal(path, err)
	}
}

var placeholders map[string]string

// withKeys puts the keys of keys.json where $ADMIN and the others stand.
func withKeys(t *testing.T, text string) string {
	t.Helper()
	if placeholders == nil {
		var file struct {
			Keys map[string]string `json:"keys"`
		}
		raw, err := os.ReadFile(filepath.Join("..", "conformance", "keys.json"))
		if err == nil {
			err = json.Unmarshal(raw, &file)
		}
		if err != nil {
			t.Fatal(err)
		}
		placeholders = file.Keys
	}
	for name, key := range placeholders {
		text = strings.ReplaceAll(text, name, key)
	}
	return text
}

func methods(t *testing.T) map[string]methodSpec {
	t.Helper()
	var all []methodSpec
	readJSON(t, "methods.json", &all)
	byName := map[string]methodSpec{}
	for _, spec := range all {
		byName[spec.Method] = spec
	}
	return byName
}

func TestConformance(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "conformance", "cases", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	known := methods(t)
	for _, file := range files {
		var cases []conformanceCase
		readJSON(t, filepath.Join("cases", filepath.Base(file)), &cases)
		for _, one := range cases {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".json")+"/"+one.Name, func(t *testing.T) {
				replay(t, known, one)
			})
		}
	}
}

func replay(t *testing.T, known map[string]methodSpec, one conformanceCase) {
	script := &scripted{t: t, exchanges: one.Exchanges, same: map[string]string{}}
	clock := &fakeClock{at: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)}
	client := conformanceClient(t, one, script, clock)
	result, err := invoke(t, client, known, one)
	if len(script.exchanges) != 0 {
		t.Errorf("%d requests were not made", len(script.exchanges))
	}
	compareWaits(t, one.WaitsMs, clock.waits)
	if one.Error != nil {
		compareError(t, one, err)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(one.Result) > 0 {
		compareResult(t, one.Result, result)
	}
}

func conformanceClient(
	t *testing.T, one conformanceCase, script *scripted, clock *fakeClock,
) *Client {
	given := one.Client
	config := Config{
		APIKey: withKeys(t, "$ADMIN"), BaseURL: given.BaseURL, Sleep: clock.sleep,
		HTTPClient: httpClient(script), Random: inTurn(given.Random),
	}
	if given.Key != nil {
		config.APIKey = *given.Key
	}
	if given.Retries != nil {
		if config.Retries = *given.Retries; config.Retries == 0 {
			config.Retries = NoRetries
		}
	}
	if given.RetryDelayMs != nil {
		config.RetryDelay = time.Duration(*given.RetryDelayMs * float64(time.Millisecond))
	}
	client := New(config)
	client.now = clock.now
	return client
}

func compareWaits(t *testing.T, wanted []float64, got []time.Duration) {
	t.Helper()
	if len(wanted) != len(got) {
		t.Fatalf("waits: wanted %v ms, got %v", wanted, got)
	}
	for i, wait := range got {
		if ms := float64(wait) / float64(time.Millisecond); ms < wanted[i]-0.5 || ms > wanted[i]+0.5 {
			t.Errorf("wait %d: wanted %v ms, got %v", i+1, wanted[i], wait)
		}
	}
}

func compareError(t *testing.T, one conformanceCase, err error) {
	t.Helper()
	wanted := one.Error
	if class := classOf(err); class != wanted.Class {
		t.Fatalf("wanted %s, got %s: %v", wanted.Class, class, err)
	}
	var base *Error
	if !errors.As(err, &base) {
		t.Fatalf("%T wraps no *Error", err)
	}
	if wanted.StatusCode != nil && base.StatusCode != *wanted.StatusCode {
		t.Errorf("status: wanted %d, got %d", *wanted.StatusCode, base.StatusCode)
	}
	if wanted.Code != nil && base.Code != *wanted.Code {
		t.Errorf("code: wanted %q, got %q", *wanted.Code, base.Code)
	}
	compareDetails(t, one, err)
	for _, key := range placeholders {
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), key) {
			t.Error("the message holds a key")
		}
	}
}

func compareDetails(t *testing.T, one conformanceCase, err error) {
	t.Helper()
	wanted := one.Error
	var limited *RateLimitError
	if errors.As(err, &limited) && len(wanted.RetryAfter) > 0 {
		var seconds float64 // null leaves it at 0, which is how Go tells of none
		if err := json.Unmarshal(wanted.RetryAfter, &seconds); err != nil {
			t.Fatal(err)
		}
		if limited.RetryAfter.Seconds() != seconds {
			t.Errorf("retryAfter: wanted %v s, got %v", seconds, limited.RetryAfter)
		}
	}
	var invalid *InvalidRequestError
	if wanted.Errors != nil && (!errors.As(err, &invalid) ||
		!slices.Equal(invalid.Errors, wanted.Errors)) {
		t.Errorf("errors: wanted %v in %v", wanted.Errors, err)
	}
	var failed *MigrationFailedError
	if len(wanted.Migration) > 0 && errors.As(err, &failed) {
		compareResult(t, wanted.Migration, failed.Migration)
	}
	var plan *PlanLimitExceededError
	if !errors.As(err, &plan) {
		return
	}
	if wanted.Metric != nil && plan.Metric != *wanted.Metric ||
		wanted.Limit != nil && plan.Limit != *wanted.Limit ||
		wanted.Current != nil && plan.Current != *wanted.Current ||
		wanted.ResetAt != nil && !plan.ResetAt.Equal(*wanted.ResetAt) {
		t.Errorf("limit: wanted %+v, got %+v", wanted, plan)
	}
}

func classOf(err error) string {
	if err == nil {
		return "none"
	}
	name := reflect.TypeOf(err).Elem().Name()
	if name == "Error" {
		return "TenlyrError"
	}
	return name
}

func compareResult(t *testing.T, wanted json.RawMessage, result any) {
	t.Helper()
	var expected, got any
	if err := json.Unmarshal(wanted, &expected); err != nil {
		t.Fatal(err)
	}
	if text, ok := result.([]byte); ok {
		result = string(text)
	}
	raw, err := json.Marshal(result)
	if err == nil {
		err = json.Unmarshal(raw, &got)
	}
	if err != nil {
		t.Fatal(err)
	}
	if path, ok := holds(expected, got, "result"); !ok {
		t.Errorf("%s: wanted %s, got %s", path, wanted, raw)
	}
}

// holds tells whether got has all that expected names, and where not.
func holds(expected, got any, path string) (string, bool) {
	switch wanted := expected.(type) {
	case map[string]any:
		fields, ok := got.(map[string]any)
		if !ok {
			return path, false
		}
		for name, value := range wanted {
			if at, ok := holds(value, fields[name], path+"."+name); !ok {
				return at, false
			}
		}
		return "", true
	case []any:
		rows, ok := got.([]any)
		if !ok && len(wanted) > 0 || len(rows) != len(wanted) {
			return path, false
		}
		for i, value := range wanted {
			if at, ok := holds(value, rows[i], fmt.Sprintf("%s[%d]", path, i)); !ok {
				return at, false
			}
		}
		return "", true
	case string:
		if text, ok := got.(string); ok && sameTime(wanted, text) {
			return "", true
		}
	}
	return path, reflect.DeepEqual(expected, got)
}

func sameTime(one, other string) bool {
	first, err := time.Parse(time.RFC3339Nano, one)
	second, wrong := time.Parse(time.RFC3339Nano, other)
	return err == nil && wrong == nil && first.Equal(second)
}

var background = context.Background()
