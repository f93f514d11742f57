package tenlyr

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// Version is this SDK's version.
const Version = "1.0.0"

// What holds where a Config says nothing.
const (
	DefaultBaseURL    = "https://api.tenlyr.app"
	DefaultTimeout    = 10 * time.Second
	DefaultRetries    = 3
	DefaultRetryDelay = 200 * time.Millisecond
	// NoRetries as Config.Retries: one try only.
	NoRetries = -1
)

// Config is how a Client behaves. The zero value of each field but APIKey is its default.
type Config struct {
	// APIKey is the admin key of your workspace, or a tenant's key.
	APIKey string
	// BaseURL is where the API is: DefaultBaseURL. A path in it is kept.
	BaseURL string
	// Timeout of each try, its answer's body included: DefaultTimeout. Negative means none.
	Timeout time.Duration
	// Retries after the first try: DefaultRetries. NoRetries means none.
	Retries int
	// RetryDelay is the bound of the first wait, doubled each time: DefaultRetryDelay.
	RetryDelay time.Duration
	// HTTPClient sends the requests: one over http.DefaultTransport. It is copied, and the copy
	// follows no redirects.
	HTTPClient *http.Client
	// Random is the jitter's source, in [0, 1): math/rand.
	Random func() float64
	// Sleep waits between tries and polls, until the context is done: the clock.
	Sleep func(ctx context.Context, wait time.Duration) error
	// Hooks hear of requests, answers and waits.
	Hooks Hooks
}

// Hooks hear of what is sent and answered; none of them sees a key or a body. They are called in
// the calling goroutine and must not block.
type Hooks struct {
	OnRequest  func(RequestInfo)
	OnResponse func(ResponseInfo)
	OnRetry    func(RetryInfo)
}

// RequestInfo is one try. Attempt counts from 1.
type RequestInfo struct {
	Method  string
	URL     string
	Attempt int
}

// ResponseInfo is the answer to one try.
type ResponseInfo struct {
	RequestInfo
	Status    int
	Duration  time.Duration
	RequestID string
}

// RetryInfo is a wait before the next try. Reason is the status, such as "503", or "network".
type RetryInfo struct {
	RequestInfo
	Wait   time.Duration
	Reason string
}

// Client calls Tenlyr. Make one with New and share it: it is safe for many goroutines.
type Client struct {
	Tenants   *TenantsService
	Usage     *UsageService
	Health    *HealthService
	Isolation *IsolationService
	Billing   *BillingService
	Alerts    *AlertsService
	RateLimit *RateLimitService
	Webhooks  *WebhooksService
	DataPlane *DataPlaneService

	config Config
	http   *http.Client
	now    func() time.Time
}

// New makes a client. It never fails: a malformed key is told by the first call.
func New(config Config) *Client {
	client := &Client{config: withDefaults(config), now: time.Now}
	client.http = withoutRedirects(client.config.HTTPClient)
	client.Tenants = &TenantsService{client}
	client.Usage = &UsageService{client}
	client.Health = &HealthService{client}
	client.Isolation = &IsolationService{client}
	client.Billing = &BillingService{client}
	client.Alerts = &AlertsService{client}
	client.RateLimit = &RateLimitService{client}
	client.Webhooks = &WebhooksService{client}
	client.DataPlane = &DataPlaneService{client}
	return client
}

// Provision creates a tenant: Tenants.Create by its documented name.
func (c *Client) Provision(
	ctx context.Context, request ProvisionRequest, options ...Option,
) (*CreatedTenant, error) {
	return c.Tenants.Create(ctx, request, options...)
}

func withDefaults(config Config) Config {
	if config.BaseURL == "" {
		config.BaseURL = DefaultBaseURL
	}
	config.BaseURL = strings.TrimRight(config.BaseURL, "/")
	if config.Timeout == 0 {
		config.Timeout = DefaultTimeout
	}
	switch {
	case config.Retries == 0:
		config.Retries = DefaultRetries
	case config.Retries < 0:
		config.Retries = 0
	}
	if config.RetryDelay == 0 {
		config.RetryDelay = DefaultRetryDelay
	}
	if config.HTTPClient == nil {
		config.HTTPClient = &http.Client{}
	}
	if config.Random == nil {
		config.Random = rand.Float64
	}
	if config.Sleep == nil {
		config.Sleep = sleep
	}
	return config
}

// withoutRedirects copies a client: a redirect would carry the key to somewhere else.
func withoutRedirects(given *http.Client) *http.Client {
	client := *given
	client.CheckRedirect = func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}
	return &client
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Ptr answers a pointer to a value, for the optional fields whose zero means something.
func Ptr[T any](value T) *T { return &value }
