package tenlyr

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"time"
)

// request is one call of the API, whatever number of tries it takes.
type request struct {
	method string
	// template holds a %s for each of the path's values.
	template string
	values   []string
	// key replaces the client's where actsAs is true or it is not empty.
	key    string
	actsAs bool
	// params is a struct whose fields are tagged `query:"name"` or `json:"name"`.
	params any
	// body replaces the body made of params.
	body           any
	idempotencyKey string
}

// Option changes one call.
type Option func(*request)

// WithIdempotencyKey sends a key of the caller's instead of one made for the call: 1 to 255
// printable ASCII characters. The same call with the same key is answered with the first answer
// for 24 hours, and done once.
func WithIdempotencyKey(key string) Option {
	return func(r *request) { r.idempotencyKey = key }
}

// prepared is a request as it is sent at each try.
type prepared struct {
	method string
	url    string
	key    string
	body   []byte
	idem   string
}

var printable = regexp.MustCompile(`^[!-~]([ -~]*[!-~])?$`)

// isIdempotencyKey tells whether a header can carry it as it is.
func isIdempotencyKey(key string) bool { return len(key) <= 255 && printable.MatchString(key) }

// prepare checks and encodes a request; what is wrong with it is told before anything is sent.
func (c *Client) prepare(r request, options []Option) (*prepared, error) {
	for _, option := range options {
		option(&r)
	}
	ready := &prepared{method: r.method, key: r.key, idem: r.idempotencyKey}
	if ready.key == "" && !r.actsAs {
		ready.key = c.config.APIKey
	}
	if _, ok := KindOf(ready.key); !ok {
		return nil, malformedKey()
	}
	if r.method == http.MethodPost && ready.idem == "" {
		ready.idem = newUUID()
	}
	if ready.idem != "" && !isIdempotencyKey(ready.idem) {
		return nil, &Error{
			Message:    "an idempotency key is 1 to 255 printable ASCII characters; nothing was sent",
			StatusCode: http.StatusBadRequest, Code: "invalid_idempotency_key",
		}
	}
	return ready, c.encode(r, ready)
}

func (c *Client) encode(r request, ready *prepared) error {
	path, err := pathOf(r.template, r.values)
	if err != nil {
		return err
	}
	query, fields := split(r.params)
	ready.url = c.config.BaseURL + path
	if len(query) > 0 {
		ready.url += "?" + query.Encode()
	}
	if !hasHost(ready.url) {
		return invalidArgument("the base URL is not an http or https address")
	}
	body := r.body
	if body == nil && r.params != nil && r.method != http.MethodGet {
		body = fields
	}
	if body == nil {
		return nil
	}
	if ready.body, err = json.Marshal(body); err != nil {
		return &Error{Message: "the request is no JSON", Code: "invalid_argument", cause: err}
	}
	return nil
}

func hasHost(address string) bool {
	parsed, err := url.Parse(address)
	return err == nil && parsed.Host != "" && (parsed.Scheme == "http" || parsed.Scheme == "https")
}

// pathOf puts values into a path. An empty one would name another resource, and so would dots.
func pathOf(template string, values []string) (string, error) {
	escaped := make([]any, len(values))
	for i, value := range values {
		if strings.Trim(value, ".") == "" {
			return "", invalidArgument(fmt.Sprintf("%q cannot stand in %s", value, template))
		}
		escaped[i] = strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
	}
	return fmt.Sprintf(template, escaped...), nil
}

// split takes the fields of a struct of parameters apart: those of the query, those of the body.
// A nil, and a zero marked omitempty, was not given; an empty slice was.
func split(params any) (url.Values, map[string]any) {
	query, body := url.Values{}, map[string]any{}
	if params == nil {
		return query, body
	}
	value := reflect.ValueOf(params)
	for i := range value.NumField() {
		field, tag := value.Field(i), value.Type().Field(i).Tag
		if name, ok := tagged(tag.Get("query"), field); ok {
			query.Set(name, asText(field.Interface()))
		}
		if name, ok := tagged(tag.Get("json"), field); ok {
			body[name] = field.Interface()
		}
	}
	return query, body
}

// tagged answers a field's name, and whether the field was given.
func tagged(tag string, field reflect.Value) (string, bool) {
	name, option, _ := strings.Cut(tag, ",")
	if name == "" || name == "-" {
		return "", false
	}
	switch field.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return name, !field.IsNil()
	}
	return name, option != "omitempty" || !field.IsZero()
}

func asText(value any) string {
	if at, ok := value.(time.Time); ok {
		return at.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(value)
}

// http makes the request of one try. A body has no GetBody: the transport must not send it again by
// itself, which would be a try that nobody counts.
func (p *prepared) http(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if p.body != nil {
		body = io.NopCloser(bytes.NewReader(p.body))
	}
	made, err := http.NewRequestWithContext(ctx, p.method, p.url, body)
	if err != nil {
		return nil, &Error{Message: "the request cannot be made", Code: "invalid_argument", cause: err}
	}
	made.Header.Set("Authorization", "Bearer "+p.key)
	made.Header.Set("User-Agent", "tenlyr-sdk/"+Version)
	made.Header.Set("Accept", "application/json")
	if p.body != nil {
		made.ContentLength = int64(len(p.body))
		made.Header.Set("Content-Type", "application/json")
	}
	if p.idem != "" {
		made.Header.Set("Idempotency-Key", p.idem)
	}
	return made, nil
}

func malformedKey() error {
	return &AuthenticationError{&Error{
		Message:    "the API key is missing or malformed; nothing was sent",
		StatusCode: http.StatusUnauthorized, Code: "invalid_key", kind: ErrAuthentication,
	}}
}

func invalidArgument(message string) error {
	return &Error{Message: message + "; nothing was sent", Code: "invalid_argument"}
}

// newUUID makes a random UUID (version 4).
func newUUID() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("tenlyr: the system has no randomness: " + err.Error())
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
