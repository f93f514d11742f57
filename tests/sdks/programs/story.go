// What an integrator does, from the first tenant to the last: its outcome is printed as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

const language = "go"

// must is what a call answers when nothing goes wrong.
func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

// refusal is the code of the error that a call ends with; it must be of a class. A change of keys
// reaches every process within a second.
func refusal[K error, T any](call func() (T, error)) string {
	for range 100 {
		_, err := call()
		var kind K
		var told *tenlyr.Error
		if errors.As(err, &kind) && errors.As(err, &told) {
			return told.Code
		}
		if err != nil {
			log.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	log.Fatal("it was not refused")
	return ""
}

// totals are what a key shows, once it is believed.
func totals(ctx context.Context, client *tenlyr.Client, key string) *tenlyr.UsageMetrics {
	for range 100 {
		metrics, err := client.Usage.Metrics(ctx, key)
		var unknown *tenlyr.AuthenticationError
		if !errors.As(err, &unknown) {
			return must(metrics, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	log.Fatal("it was not believed")
	return nil
}

func main() {
	ctx := context.Background()
	client := tenlyr.New(tenlyr.Config{
		APIKey: os.Getenv("ADMIN_KEY"), BaseURL: os.Getenv("BASE_URL"),
	})
	email := language + "@story.example"
	made := must(client.Provision(ctx, tenlyr.ProvisionRequest{
		Name: "Story", OwnerEmail: email, Plan: tenlyr.PlanGrowth,
	}))
	id, key := made.Tenant.ID, made.APIKey
	event := must(client.Usage.TrackEvent(ctx, tenlyr.TrackRequest{
		TenantAPIKey: key, Metric: tenlyr.MetricAPICall, Value: 3,
		Endpoint: "/invoices", StatusCode: 200,
	}))
	batch := must(client.Usage.TrackBatch(ctx, key, []tenlyr.TrackRequest{
		{Metric: tenlyr.MetricAPICall, Value: 2, ID: "invoice-1"},
		{Metric: tenlyr.MetricAPICall, Value: 2, ID: "invoice-1"},
		{Metric: tenlyr.MetricSeats, Value: 4, Mode: tenlyr.ModeSet},
	}))
	again := must(client.Usage.TrackEvent(ctx, tenlyr.TrackRequest{
		TenantAPIKey: key, Metric: tenlyr.MetricAPICall, Value: 3, ID: event.ID,
	}))
	metrics := must(client.Usage.Metrics(ctx, key))

	other := must(client.Tenants.Create(ctx, tenlyr.TenantsCreateParams{
		Name: "Short", OwnerEmail: "other-" + email,
	}))
	found := 0
	for one, err := range client.Tenants.ListAll(ctx, tenlyr.TenantsListParams{Limit: 1}) {
		if must(one, err).ID == id || one.ID == other.Tenant.ID {
			found++
		}
		if found == 2 {
			break
		}
	}
	taken := refusal[*tenlyr.ConflictError](func() (*tenlyr.CreatedTenant, error) {
		return client.Tenants.Create(ctx, tenlyr.ProvisionRequest{Name: "Again", OwnerEmail: email})
	})
	read := func() (*tenlyr.UsageMetrics, error) { return client.Usage.Metrics(ctx, key) }
	suspended := must(client.Tenants.Suspend(ctx, id, tenlyr.TenantsSuspendParams{Reason: "unpaid"}))
	refused := refusal[*tenlyr.AuthenticationError](read)
	reactivated := must(client.Tenants.Reactivate(ctx, id))
	rotated := must(client.Tenants.RotateAPIKey(ctx, id, tenlyr.TenantsRotateAPIKeyParams{}))
	revoked := refusal[*tenlyr.AuthenticationError](read)
	afterwards := totals(ctx, client, rotated.APIKey)
	billing := refusal[*tenlyr.TenlyrNotImplementedError](func() (*tenlyr.TenantBilling, error) {
		return client.Billing.Get(ctx, rotated.APIKey)
	})
	if err := client.Tenants.Delete(ctx, other.Tenant.ID); err != nil {
		log.Fatal(err)
	}
	gone := refusal[*tenlyr.NotFoundError](func() (*tenlyr.Tenant, error) {
		return client.Tenants.Get(ctx, other.Tenant.ID)
	})

	fmt.Println(string(must(json.Marshal(map[string]any{
		"tenantId":  id,
		"sameEvent": again.ID == event.ID,
		"batch":     []int{batch.Accepted, batch.Duplicates},
		"metrics":   []any{metrics.APICalls, metrics.Seats, afterwards.APICalls},
		"found":     found,
		"states":    []tenlyr.TenantStatus{suspended.Status, reactivated.Status},
		"refusals":  []string{taken, refused, revoked, billing, gone},
		"nothing":   true,
	}))))
}
