// Calls a server that fails in many ways; the outcomes are printed as JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

type call func(context.Context, *tenlyr.Client) error

// outcome is what a call ends with, and the waits in ms that it asked for.
func outcome(name string, random func() float64, do call) []any {
	timeout := time.Minute
	if strings.Contains(name, "hangs") {
		timeout = 5 * time.Second
	}
	waits := []float64{}
	client := tenlyr.New(tenlyr.Config{
		APIKey: os.Getenv("ADMIN_KEY"), BaseURL: os.Getenv("BASE_URL"),
		Timeout: timeout, Random: random,
		Hooks: tenlyr.Hooks{OnRetry: func(info tenlyr.RetryInfo) {
			waits = append(waits, float64(info.Wait)/float64(time.Millisecond))
		}},
	})
	if err := do(context.Background(), client); err != nil {
		kind := fmt.Sprintf("%T", err)
		return []any{kind[strings.LastIndex(kind, ".")+1:], waits}
	}
	return []any{"ok", waits}
}

func get(scenario string) call {
	return func(ctx context.Context, client *tenlyr.Client) error {
		_, err := client.Tenants.Get(ctx, scenario)
		return err
	}
}

func track(scenario string) call {
	return func(ctx context.Context, client *tenlyr.Client) error {
		return client.Usage.Track(ctx, tenlyr.TrackRequest{
			TenantAPIKey: os.Getenv("TENANT_KEY"), Metric: tenlyr.MetricAPICall, Value: 1,
			Endpoint: scenario,
		})
	}
}

func main() {
	half := func() float64 { return 0.5 }
	told := map[string][]any{}
	var lock sync.Mutex
	var all sync.WaitGroup
	begin := func(name string, random func() float64, do call) {
		all.Add(1)
		go func() {
			defer all.Done()
			ended := outcome(name, random, do)
			lock.Lock()
			defer lock.Unlock()
			told[name] = ended
		}()
	}
	for _, one := range strings.Split(os.Getenv("SCENARIOS"), ",") {
		begin(one, half, get(one))
	}
	for _, one := range strings.Split(os.Getenv("EVENTS"), ",") {
		begin(one, half, track(one))
	}
	for run := 1; run <= 3; run++ {
		begin(fmt.Sprint("jitter ", run), nil, get("jitter"))
	}
	all.Wait()
	text, err := json.Marshal(told)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
}
