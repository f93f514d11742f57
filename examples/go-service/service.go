package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"

	tenlyr "github.com/tenlyr/tenlyr-go"
	"github.com/tenlyr/tenlyr-go/tenlyrhttp"
)

const longestBody = 1 << 20

// app is what the handlers share.
type app struct {
	client  *tenlyr.Client
	records *records
	tenancy *tenlyrhttp.Tenancy
	secret  string
}

// service is all routes: signing up and webhooks for anybody, the rest for active tenants. A real
// one also asks who calls: a host or a header only says which tenant is meant.
func service(client *tenlyr.Client, usage tenlyrhttp.Tracker, secret string) http.Handler {
	a := &app{client: client, records: newRecords(), secret: secret}
	a.tenancy = tenlyrhttp.New(tenlyrhttp.Options{
		Resolve: tenlyrhttp.FirstOf(tenlyrhttp.Subdomain("notes.example"), tenlyrhttp.Header("")),
		Lookup:  a.lookUp,
	})
	track := tenlyrhttp.TrackUsage(usage, tenlyrhttp.TrackingOptions{})
	enough := tenlyrhttp.EnforceQuota(tenlyrhttp.QuotaOptions{Quota: "api_call", Client: client})

	notes := http.NewServeMux()
	notes.Handle("GET /notes", http.HandlerFunc(a.list))
	notes.Handle("POST /notes", enough(http.HandlerFunc(a.add)))
	notes.Handle("GET /export", tenlyrhttp.RequirePlan(tenlyr.PlanGrowth)(http.HandlerFunc(a.list)))

	all := http.NewServeMux()
	all.HandleFunc("POST /signup", a.signUp)
	all.HandleFunc("POST /webhooks", a.hear)
	all.Handle("/", a.tenancy.Handler(track(tenlyrhttp.RequireActive(notes))))
	return all
}

// lookUp finds a customer in our own records, and how it stands with Tenlyr. The answer is
// remembered for a minute, or until a webhook tells of a change.
func (a *app) lookUp(ctx context.Context, slug string) (*tenlyrhttp.Tenant, error) {
	customer, ok := a.records.customer(slug)
	if !ok {
		return nil, nil
	}
	tenant, err := a.client.Tenants.Get(ctx, customer.tenantID)
	if errors.Is(err, tenlyr.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &tenlyrhttp.Tenant{
		ID: tenant.ID, Slug: slug, Status: tenant.Status, Plan: tenant.Plan, APIKey: customer.apiKey,
	}, nil
}

// signUp makes a customer a tenant.
func (a *app) signUp(w http.ResponseWriter, r *http.Request) {
	var form struct {
		Slug  string            `json:"slug"`
		Name  string            `json:"name"`
		Email string            `json:"email"`
		Plan  tenlyr.TenantPlan `json:"plan"`
	}
	if err := readJSON(w, r, &form); err != nil || form.Slug == "" {
		answer(w, http.StatusUnprocessableEntity, map[string]string{"error": "slug, name, email"})
		return
	}
	if !a.records.claim(form.Slug) {
		answer(w, http.StatusConflict, map[string]string{"error": "The slug is taken."})
		return
	}
	made, err := a.client.Provision(r.Context(), tenlyr.ProvisionRequest{
		Name: form.Name, OwnerEmail: form.Email, Plan: form.Plan,
	})
	if err != nil {
		a.records.unclaim(form.Slug)
		refuse(w, r, err)
		return
	}
	// The key is told this once; a real service keeps it sealed, beside its customer.
	a.records.add(form.Slug, customer{made.Tenant.ID, made.APIKey})
	a.tenancy.Forget(form.Slug) // somebody may have asked for it before
	answer(w, http.StatusCreated, map[string]string{"slug": form.Slug, "tenantId": made.Tenant.ID})
}

// refuse tells what the customer can mend, and nothing of what is ours to mend.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	var refused *tenlyr.Error
	isTheirs := errors.Is(err, tenlyr.ErrConflict) || errors.Is(err, tenlyr.ErrInvalidRequest)
	if isTheirs && errors.As(err, &refused) {
		answer(w, refused.StatusCode, map[string]string{"error": refused.Message})
		return
	}
	tenlyrhttp.WriteError(w, r, err)
}

func (a *app) list(w http.ResponseWriter, r *http.Request) {
	tenant, _ := tenlyrhttp.TenantFrom(r.Context())
	answer(w, http.StatusOK, map[string]any{"notes": a.records.notes(tenant.ID)})
}

func (a *app) add(w http.ResponseWriter, r *http.Request) {
	tenant, _ := tenlyrhttp.TenantFrom(r.Context())
	var note struct {
		Text string `json:"text"`
	}
	if err := readJSON(w, r, &note); err != nil {
		answer(w, http.StatusUnprocessableEntity, map[string]string{"error": "text"})
		return
	}
	a.records.note(tenant.ID, note.Text)
	answer(w, http.StatusCreated, note)
}

// hear lets the next request look a tenant up again that was suspended, say.
func (a *app) hear(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, longestBody))
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "unreadable"})
		return
	}
	event, err := tenlyr.VerifyWebhook(payload, r.Header, a.secret, tenlyr.WebhooksVerifyParams{})
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "not verified"})
		return
	}
	var about struct {
		TenantID string `json:"tenantId"`
	}
	if err := json.Unmarshal(event.Data, &about); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "no data"})
		return
	}
	if slug, ok := a.records.slugOf(about.TenantID); ok {
		a.tenancy.Forget(slug)
	}
	w.WriteHeader(http.StatusNoContent)
}

func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	return json.NewDecoder(http.MaxBytesReader(w, r.Body, longestBody)).Decode(into)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Print("an answer that did not arrive: ", err)
	}
}
