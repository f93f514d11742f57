package tenlyr

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What Go calls the groups of methods, and the methods whose names it spells in its own way.
var (
	groups = map[string]string{
		"tenants": "Tenants", "usage": "Usage", "health": "Health", "isolation": "Isolation",
		"billing": "Billing", "alerts": "Alerts", "ratelimit": "RateLimit",
		"webhooks": "Webhooks", "dataplane": "DataPlane",
	}
	spelled = map[string]string{
		"tenants.rotateApiKey": "RotateAPIKey", "billing.portalUrl": "PortalURL",
		"usage.track": "TrackEvent",
	}
	pathName = regexp.MustCompile(`\{(\w+)\}`)
)

func goMethod(client *Client, name string) reflect.Value {
	group, method, _ := strings.Cut(name, ".")
	title, ok := spelled[name]
	if !ok {
		title = strings.ToUpper(method[:1]) + method[1:]
	}
	service := reflect.ValueOf(client).Elem().FieldByName(groups[group])
	if !service.IsValid() {
		return reflect.Value{}
	}
	return service.MethodByName(title)
}

// arguments are a case's, in the form that a Go method takes; used ones are taken away.
type arguments struct {
	t     *testing.T
	named map[string]json.RawMessage
	names []string // of the strings and numbers, in their order
}

func invoke(
	t *testing.T, client *Client, known map[string]methodSpec, one conformanceCase,
) (any, error) {
	if one.Call.Method == "usage.buffer" {
		return buffered(t, client, one)
	}
	method := goMethod(client, one.Call.Method)
	if !method.IsValid() {
		t.Fatal("no method", one.Call.Method)
	}
	given := &arguments{
		t: t, named: map[string]json.RawMessage{}, names: order(known, one.Call.Method),
	}
	for name, value := range one.Call.Args {
		given.named[name] = value
	}
	var in []reflect.Value
	for i := range method.Type().NumIn() {
		in = append(in, given.value(method.Type().In(i)))
	}
	if len(given.named) > 0 {
		t.Fatalf("arguments that %s does not take: %v", one.Call.Method, given.named)
	}
	if method.Type().IsVariadic() {
		return answered(method.CallSlice(in))
	}
	return answered(method.Call(in))
}

// buffered takes a case's events through a buffer; the result is what OnError hears of.
func buffered(t *testing.T, client *Client, one conformanceCase) (any, error) {
	given := &arguments{t: t, named: one.Call.Args}
	refused := []any{}
	buffer := client.Usage.Buffer(UsageBufferParams{
		FlushInterval: time.Hour,
		OnError: func(event TrackRequest, err error) {
			_, told := split(event)
			var base *Error
			if errors.As(err, &base) {
				told["code"] = base.Code
			}
			refused = append(refused, told)
		},
	})
	for _, event := range given.events() {
		if err := buffer.Track(background, event); err != nil {
			return nil, err
		}
	}
	return refused, buffer.Close(background)
}

// order is the names of what stands before the struct.
func order(known map[string]methodSpec, name string) []string {
	var names []string
	spec := known[strings.TrimSuffix(name, "All")]
	if spec.Key == "tenantKey" {
		names = append(names, "tenantKey")
	}
	switch name {
	case "isolation.migrate":
		return append(names, "tenantId")
	case "isolation.waitForMigration":
		return append(names, "migrationId")
	}
	for _, found := range pathName.FindAllStringSubmatch(spec.Path, -1) {
		names = append(names, found[1])
	}
	return names
}

func (a *arguments) take(name string, into any) bool {
	raw, ok := a.named[name]
	if !ok {
		return false
	}
	delete(a.named, name)
	if err := json.Unmarshal(raw, into); err != nil {
		a.t.Fatalf("%s: %v", name, err)
	}
	return true
}

func (a *arguments) value(kind reflect.Type) reflect.Value {
	made := reflect.New(kind).Elem()
	switch {
	case kind == reflect.TypeFor[context.Context]():
		return reflect.ValueOf(background)
	case kind == reflect.TypeFor[[]Option]():
		var key string
		if a.take("idempotencyKey", &key) {
			made.Set(reflect.ValueOf([]Option{WithIdempotencyKey(key)}))
		}
	case kind == reflect.TypeFor[[]TrackRequest]():
		made.Set(reflect.ValueOf(a.events()))
	case kind.Kind() == reflect.Struct:
		a.fill(made)
	default:
		a.take(a.names[0], made.Addr().Interface())
		a.names = a.names[1:]
	}
	return made
}

func (a *arguments) events() []TrackRequest {
	var raw []map[string]json.RawMessage
	a.take("events", &raw)
	events := make([]TrackRequest, len(raw))
	for i, one := range raw {
		nested := &arguments{t: a.t, named: one}
		nested.fill(reflect.ValueOf(&events[i]).Elem())
	}
	return events
}

func (a *arguments) fill(params reflect.Value) {
	for i := range params.NumField() {
		field := params.Type().Field(i)
		into := params.Field(i).Addr().Interface()
		switch field.Name {
		case "Key":
			a.take("key", into)
		case "TenantAPIKey":
			a.take("tenantKey", into)
		case "PollInterval":
			a.milliseconds("pollIntervalMs", into.(*time.Duration))
		case "Timeout":
			a.milliseconds("timeoutMs", into.(*time.Duration))
		default:
			name, _, _ := strings.Cut(field.Tag.Get("json")+field.Tag.Get("query"), ",")
			a.take(name, into)
		}
	}
}

func (a *arguments) milliseconds(name string, into *time.Duration) {
	var ms float64
	if a.take(name, &ms) {
		*into = time.Duration(ms * float64(time.Millisecond))
	}
}

// answered takes what a method returned apart; of an iterator it is all that it yields.
func answered(out []reflect.Value) (any, error) {
	if len(out) == 1 && out[0].Kind() == reflect.Func {
		rows := []any{}
		for row, err := range out[0].Seq2() {
			if !err.IsNil() {
				return rows, err.Interface().(error)
			}
			rows = append(rows, row.Interface())
		}
		return rows, nil
	}
	err, _ := out[len(out)-1].Interface().(error)
	if len(out) == 1 {
		return nil, err
	}
	return out[0].Interface(), err
}

// Every method of the table is there, takes what the table says, and in its order.
func TestEveryMethodIsThere(t *testing.T) {
	client := New(Config{})
	for name, spec := range methods(t) {
		method := goMethod(client, name)
		if !method.IsValid() {
			t.Errorf("no method for %s", name)
			continue
		}
		named := map[string]bool{}
		for i := range method.Type().NumIn() {
			if in := method.Type().In(i); in.Kind() == reflect.Struct {
				for j := range in.NumField() {
					tag := in.Field(j).Tag
					wire, _, _ := strings.Cut(tag.Get("json")+tag.Get("query"), ",")
					named[wire] = true
				}
			}
		}
		for _, wire := range append(spec.Query, spec.Body...) {
			if !named[wire] && !strings.Contains(strings.Join(order(methods(t), name), " "), wire) {
				t.Errorf("%s does not take %s", name, wire)
			}
		}
		if post := spec.HTTP == "POST"; post != method.Type().IsVariadic() {
			t.Errorf("%s: options are for POST, got %s", name, strconv.FormatBool(post))
		}
	}
}
