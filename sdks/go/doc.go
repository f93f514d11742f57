// Package tenlyr is the Go client of Tenlyr: provision, isolate, meter and watch the tenants of
// your product.
//
//	client := tenlyr.New(tenlyr.Config{APIKey: os.Getenv("TENLYR_ADMIN_KEY")})
//	result, err := client.Provision(ctx, tenlyr.ProvisionRequest{
//		Name: "Acme Corp", OwnerEmail: "owner@acme.example", Plan: tenlyr.PlanGrowth,
//	})
//
// Methods are grouped as the API is: client.Tenants, client.Usage, client.Isolation and so on. A
// method takes a context, the names in its path and, when there is more to say, one struct. It may
// be called from many goroutines.
//
// # Optional values
//
// What is left at its zero value is not sent. Where a zero means something, the field is a pointer
// (see [Ptr]); nil is not sent.
//
// # Errors
//
// Every error is or wraps an [*Error]; [errors.As] finds the kinds of it, such as [*ConflictError],
// and [errors.Is] their sentinels, such as [ErrConflict].
//
// # Tries
//
// A status of 500 and above (but 501), 429 and a network failure are tried again, three times by
// default, after 200, 400 and 800 ms with full jitter, or after what Retry-After asks for. A
// time-out is not. Every POST carries an Idempotency-Key that stays the same, so that no try counts
// twice.
package tenlyr
