package tenlyrhttp

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

// refusal is an error that is an answer: its status, and its body as JSON.
type refusal interface {
	error
	answer() *tenlyr.Error
}

type refused struct{ *tenlyr.TenlyrError }

func (r refused) answer() *tenlyr.Error { return r.TenlyrError }

// Unwrap answers the Error within.
func (r refused) Unwrap() error { return r.TenlyrError }

// TenantNotFoundError: the request names no tenant, or one that there is not. 404.
type TenantNotFoundError struct{ refused }

// TenantSuspendedError: the tenant is suspended. 403.
type TenantSuspendedError struct{ refused }

// TenantInactiveError: the tenant is not active yet, or not any more. 403.
type TenantInactiveError struct{ refused }

// PlanRequiredError: the tenant's plan does not have what was asked for. 403.
type PlanRequiredError struct{ refused }

// QuotaExceededError: a quota of the tenant is used up. 429.
type QuotaExceededError struct {
	refused
	// Quota is which one, Limit how much there is, Current how much of it is used.
	Quota   string
	Limit   float64
	Current float64
}

// body is a refusal's, in the API's own shape.
type body struct {
	Message    string   `json:"message"`
	Error      string   `json:"error"`
	StatusCode int      `json:"statusCode"`
	Code       string   `json:"code"`
	Quota      string   `json:"quota,omitempty"`
	Limit      *float64 `json:"limit,omitempty"`
	Current    *float64 `json:"current,omitempty"`
}

func refuse(status int, code, message string) refused {
	return refuseWith(body{Message: message, StatusCode: status, Code: code})
}

func refuseWith(given body) refused {
	if given.Error == "" {
		given.Error = http.StatusText(given.StatusCode)
	}
	// Strings and finite numbers only: this cannot fail but for an infinite limit.
	text, err := json.Marshal(given)
	if err != nil {
		given.Limit, given.Current = nil, nil
		text, _ = json.Marshal(given)
	}
	return refused{&tenlyr.Error{
		Message: given.Message, StatusCode: given.StatusCode, Code: given.Code, Body: text,
	}}
}

func notFound(message string) error {
	return &TenantNotFoundError{refuse(http.StatusNotFound, "tenant_not_found", message)}
}

func quotaExceeded(quota string, limit, current float64) error {
	const said = "Plan limit reached"
	return &QuotaExceededError{refuseWith(body{
		Message: said, Error: said, StatusCode: http.StatusTooManyRequests, Code: "quota_exceeded",
		Quota: quota, Limit: &limit, Current: &current,
	}), quota, limit, current}
}

// WriteError answers a request with an error: a refusal of this package with its status and body,
// anything else with 500 and none of its details, which go to the default logger.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	var known refusal
	if !errors.As(err, &known) {
		if r.Context().Err() == nil { // else its sender gave it up, and nothing failed
			slog.ErrorContext(r.Context(), "tenlyrhttp: a request failed", "error", err)
		}
		known = refuse(http.StatusInternalServerError, "internal_error", "Something went wrong.")
	}
	answer := known.answer()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(answer.StatusCode)
	// Who no longer listens hears nothing; there is nobody else to tell.
	_, _ = w.Write(answer.Body)
}
