package tenlyr

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// What the API answers, by its name in openapi.json.
var answers = map[string]any{
	"Alert": Alert{}, "Allowance": Allowance{}, "Attempt": Attempt{}, "Batch": Batch{},
	"BatchResult": BatchResult{}, "Change": Change{}, "Channel": Channel{},
	"ChannelPage": ChannelPage{}, "Column": Column{}, "Connection": Connection{},
	"CreatedChannel": CreatedChannel{}, "CreatedTenant": CreatedTenant{},
	"Credential": Credential{}, "DashboardTenant": DashboardTenant{}, "Delivery": Delivery{},
	"DeliveryPage": DeliveryPage{}, "Drift": Drift{}, "Drifted": Drifted{},
	"Endpoint": Endpoint{}, "EndpointPage": EndpointPage{},
	"EndpointWithSecret": EndpointWithSecret{}, "Envelope": Event{},
	"EventType": EventTypeInfo{}, "EventTypes": EventTypes{}, "Failure": Failure{},
	"FieldErrorShape": FieldError{}, "FullDelivery": FullDelivery{}, "FullProof": FullProof{},
	"Message": Message{}, "MessagePage": MessagePage{}, "Migration": Migration{},
	"NewCredential": NewCredential{}, "Overview": Overview{}, "Portal": Portal{},
	"Progress": Progress{}, "Proof": Proof{}, "ProofPage": ProofPage{}, "Release": Release{},
	"ReleasePage": ReleasePage{}, "Replayed": Replayed{}, "Resolved": Resolved{},
	"Rollout": Rollout{}, "Rollup": Rollup{}, "Rollups": Rollups{},
	"SignedReport": SignedReport{}, "Standing": Standing{}, "Table": Table{}, "Tenant": Tenant{},
	"TenantBilling": TenantBilling{}, "TenantHealth": TenantHealth{}, "TenantPage": TenantPage{},
	"TenantWithKey": TenantWithKey{}, "UsageEvent": UsageEvent{}, "UsageMetrics": UsageMetrics{},
	"UsageSummary": UsageSummary{},
}

type schema struct {
	Enum       []*string         `json:"enum"`
	Items      *schema           `json:"items"`
	Properties map[string]schema `json:"properties"`
}

func schemas(t *testing.T) map[string]schema {
	t.Helper()
	var api struct {
		Components struct {
			Schemas map[string]schema `json:"schemas"`
		} `json:"components"`
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "openapi.json"))
	if err == nil {
		err = json.Unmarshal(text, &api)
	}
	if err != nil || len(api.Components.Schemas) == 0 {
		t.Fatal("no schemas", err)
	}
	return api.Components.Schemas
}

func wireNames(kind reflect.Type) map[string]bool {
	names := map[string]bool{}
	for i := range kind.NumField() {
		field := kind.Field(i)
		if field.Anonymous {
			for name := range wireNames(field.Type) {
				names[name] = true
			}
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names[name] = true
	}
	return names
}

func TestAnswersAreThoseOfTheAPI(t *testing.T) {
	all := schemas(t)
	for name := range all {
		if _, known := answers[name]; !known && !strings.HasSuffix(name, "Request") &&
			name != "ErrorShape" {
			t.Errorf("no type for %s", name)
		}
	}
	for name, answer := range answers {
		names := wireNames(reflect.TypeOf(answer))
		for wire := range all[name].Properties {
			if !names[wire] {
				t.Errorf("%s lacks %s", name, wire)
			}
			delete(names, wire)
		}
		for wire := range names {
			t.Errorf("%s has %s, which the API has not", name, wire)
		}
	}
}

func TestEveryValueOfTheAPIHasAName(t *testing.T) {
	text, err := os.ReadFile("enums.go")
	if err != nil {
		t.Fatal(err)
	}
	named := string(text)
	for name, one := range schemas(t) {
		for wire, property := range one.Properties {
			values := property.Enum
			if property.Items != nil {
				values = append(values, property.Items.Enum...)
			}
			for _, value := range values {
				if value != nil && !strings.Contains(named, `= "`+*value+`"`) {
					t.Errorf("%q of %s.%s has no name", *value, name, wire)
				}
			}
		}
	}
}
