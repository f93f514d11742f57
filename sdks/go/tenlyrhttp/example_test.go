package tenlyrhttp_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	tenlyr "github.com/tenlyr/tenlyr-go"
	"github.com/tenlyr/tenlyr-go/tenlyrhttp"
)

func Example() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"accepted": 1, "results": [{"index": 0, "status": 201}]}`)
	}))
	defer api.Close()
	const adminKey = "tenlyr_live_tf_ConformanceAdmin0ConformanceAdmin0Confor1q4ykj"
	client := tenlyr.New(tenlyr.Config{APIKey: adminKey, BaseURL: api.URL})
	ctx := context.Background()
	const acmeKey = "tenlyr_live_ConformanceTenant1ConformanceTenant1Conf2zXRzE"

	// Where you keep your customers.
	lookup := func(ctx context.Context, name string) (*tenlyrhttp.Tenant, error) {
		if name != "acme" {
			return nil, nil
		}
		return &tenlyrhttp.Tenant{
			ID: "51fad484", Slug: name, Plan: tenlyr.PlanGrowth, APIKey: acmeKey,
		}, nil
	}

	mux := http.NewServeMux()
	mux.HandleFunc("GET /invoices", func(w http.ResponseWriter, r *http.Request) {
		tenant, _ := tenlyrhttp.TenantFrom(r.Context())
		fmt.Fprint(w, "invoices of ", tenant.Slug)
	})

	buffer := client.Usage.Buffer(tenlyr.UsageBufferParams{WhenFull: tenlyr.BufferDrop})
	tenancy := tenlyrhttp.New(tenlyrhttp.Options{
		Resolve: tenlyrhttp.Subdomain("app.example.com"),
		Lookup:  lookup,
	})
	track := tenlyrhttp.TrackUsage(buffer, tenlyrhttp.TrackingOptions{})
	handler := tenancy.Handler(track(tenlyrhttp.RequireActive(mux)))

	for _, name := range []string{"acme", "nobody"} {
		r := httptest.NewRequest("GET", "http://"+name+".app.example.com/invoices", nil)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	if err := buffer.Close(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 200 invoices of acme
	// 404 {"message":"Tenant not found.","error":"Not Found","statusCode":404,"code":"tenant_not_found"}
}
