package tenlyr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

func Example() {
	client := tenlyr.New(tenlyr.Config{
		APIKey:  os.Getenv("TENLYR_ADMIN_KEY"),
		Timeout: 10 * time.Second,
	})

	ctx := context.Background()

	// Provision
	result, err := client.Provision(ctx, tenlyr.ProvisionRequest{
		Name:       "Acme Corp",
		OwnerEmail: "owner@acme.example",
		Plan:       "growth",
	})
	if err != nil {
		log.Fatal(err)
	}

	// Track usage
	err = client.Usage.Track(ctx, tenlyr.TrackRequest{
		Metric:       "api_call",
		Value:        1,
		TenantAPIKey: result.APIKey,
	})
	fmt.Println(result.Tenant.Name, err)
	// Output: Acme Corp <nil>
}

func Example_errors() {
	ctx, client := context.Background(), exampleClient()
	_, err := client.Tenants.Get(ctx, "nobody")
	var limited *tenlyr.RateLimitError
	switch {
	case errors.Is(err, tenlyr.ErrNotFound):
		fmt.Println("no such tenant")
	case errors.As(err, &limited):
		time.Sleep(limited.RetryAfter)
	case err != nil:
		log.Fatal(err)
	}
	// Output: no such tenant
}

func ExampleTenantsService_ListAll() {
	ctx, client := context.Background(), exampleClient()
	for tenant, err := range client.Tenants.ListAll(ctx, tenlyr.TenantsListParams{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(tenant.Name)
	}
	// Output:
	// Acme Corp
	// Globex
}

func ExampleIsolationService_WaitForMigration() {
	ctx, client := context.Background(), exampleClient()
	migration, err := client.Isolation.Migrate(ctx, "t1", tenlyr.IsolationMigrateParams{
		TargetLevel: tenlyr.DedicatedSchema,
	})
	if err != nil {
		log.Fatal(err)
	}
	migration, err = client.Isolation.WaitForMigration(ctx, migration.ID,
		tenlyr.IsolationWaitForMigrationParams{Timeout: 5 * time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(migration.Status, migration.ToLevel)
	// Output: completed dedicated_schema
}

func ExampleVerifyWebhook() {
	http.HandleFunc("POST /webhooks", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "unreadable", http.StatusBadRequest)
			return
		}
		secret := os.Getenv("TENLYR_WEBHOOK_SECRET")
		event, err := tenlyr.VerifyWebhook(body, r.Header, secret, tenlyr.WebhooksVerifyParams{})
		if err != nil {
			http.Error(w, "not verified", http.StatusBadRequest)
			return
		}
		fmt.Println(event.Type)
	})
	fmt.Println(deliver(`{"id": "evt_1", "type": "tenant.suspended"}`))
	// Output:
	// tenant.suspended
	// 200
}

func ExampleUsageService_Buffer() {
	ctx, client := context.Background(), exampleClient()
	buffer := client.Usage.Buffer(tenlyr.UsageBufferParams{
		OnError: func(event tenlyr.TrackRequest, err error) {
			log.Print(event.ID, " was refused: ", err)
		},
	})
	err := buffer.Track(ctx, tenlyr.TrackRequest{
		TenantAPIKey: tenantKey, Metric: tenlyr.MetricAPICall, Value: 1, Endpoint: "/invoices",
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := buffer.Close(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(buffer.Pending(), "left")
	// Output: 0 left
}

func ExampleHooks() {
	client := tenlyr.New(tenlyr.Config{
		APIKey: os.Getenv("TENLYR_ADMIN_KEY"),
		Hooks: tenlyr.Hooks{
			OnResponse: func(r tenlyr.ResponseInfo) { fmt.Println(r.Method, r.Status) },
		},
	})
	if _, err := client.Health.Overview(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output: GET 200
}
