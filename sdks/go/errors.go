package tenlyr

import (
	"errors"
	"fmt"
	"time"
)

// Error is what every error of this package is or wraps: an answer that is no success, or no
// answer at all.
type Error struct {
	// Message is for people; it never holds a key.
	Message string
	// StatusCode is the answer's status; 0 without an answer.
	StatusCode int
	// Code is for machines, such as "not_found"; empty where the answer has none.
	Code string
	// Body is the answer's body as it came.
	Body []byte
	// RequestID finds the call in the server's log; empty without an answer.
	RequestID string

	kind  error
	cause error
}

// TenlyrError is the name of Error in the other SDKs.
type TenlyrError = Error

// Error tells what went wrong, for people.
func (e *Error) Error() string {
	text := "tenlyr: " + e.Message
	if e.StatusCode != 0 {
		text += fmt.Sprintf(" (status %d", e.StatusCode)
		if e.Code != "" {
			text += ", " + e.Code
		}
		if e.RequestID != "" {
			text += ", request " + e.RequestID
		}
		text += ")"
	}
	return text
}

// Unwrap answers what caused the error, such as a failure of the network.
func (e *Error) Unwrap() error { return e.cause }

// Is tells whether the error is of a sentinel's kind.
func (e *Error) Is(target error) bool { return e.kind != nil && target == e.kind }

// The kinds of errors, for errors.Is. The types of the same names hold more.
var (
	ErrAuthentication    = errors.New("tenlyr: authentication failed")
	ErrPermission        = errors.New("tenlyr: permission denied")
	ErrNotFound          = errors.New("tenlyr: not found")
	ErrConflict          = errors.New("tenlyr: conflict")
	ErrInvalidRequest    = errors.New("tenlyr: invalid request")
	ErrRateLimit         = errors.New("tenlyr: rate limit exceeded")
	ErrPlanLimitExceeded = errors.New("tenlyr: plan limit exceeded")
	ErrNotImplemented    = errors.New("tenlyr: not implemented")
	ErrTimeout           = errors.New("tenlyr: time-out")
	ErrNetwork           = errors.New("tenlyr: network failure")
	ErrMigrationFailed   = errors.New("tenlyr: migration failed")
	ErrWebhook           = errors.New("tenlyr: webhook not verified")
)

// AuthenticationError: the key is missing, malformed or revoked, or its tenant suspended (401). A
// malformed key is told without a request.
type AuthenticationError struct{ *TenlyrError }

// Unwrap answers the Error within.
func (e *AuthenticationError) Unwrap() error { return e.TenlyrError }

// PermissionError: the key is valid but may not do this (403).
type PermissionError struct{ *TenlyrError }

// Unwrap answers the Error within.
func (e *PermissionError) Unwrap() error { return e.TenlyrError }

// NotFoundError: there is no such thing, or not for this key (404).
type NotFoundError struct{ *TenlyrError }

// Unwrap answers the Error within.
func (e *NotFoundError) Unwrap() error { return e.TenlyrError }

// ConflictError: there is one already, such as a tenant with the same ownerEmail (409).
type ConflictError struct{ *TenlyrError }

// Unwrap answers the Error within.
func (e *ConflictError) Unwrap() error { return e.TenlyrError }

// InvalidRequestError: the request's body or query is wrong (422).
type InvalidRequestError struct {
	*TenlyrError
	// Errors names each wrong field.
	Errors []FieldError
}

// FieldError is one wrong field of a request.
type FieldError struct {
	Field   string `json:"field"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Unwrap answers the Error within.
func (e *InvalidRequestError) Unwrap() error { return e.TenlyrError }

// RateLimitError: too many calls (429), after all tries.
type RateLimitError struct {
	*TenlyrError
	// RetryAfter is how long the server asks to wait; 0 where it did not say.
	RetryAfter time.Duration
}

// Unwrap answers the Error within.
func (e *RateLimitError) Unwrap() error { return e.TenlyrError }

// PlanLimitExceededError: the event would pass its tenant's plan (400); never tried again.
type PlanLimitExceededError struct {
	*TenlyrError
	Metric  UsageMetric
	Limit   float64
	Current float64
	// ResetAt is when counting begins anew; zero for a gauge, which does not.
	ResetAt time.Time
}

// Unwrap answers the Error within.
func (e *PlanLimitExceededError) Unwrap() error { return e.TenlyrError }

// TenlyrNotImplementedError: the server does not have this yet, or it is switched off (501).
type TenlyrNotImplementedError struct{ *TenlyrError }

// Unwrap answers the Error within.
func (e *TenlyrNotImplementedError) Unwrap() error { return e.TenlyrError }

// TenlyrTimeoutError: the time-out of the client, or the deadline of the context. What was sent may
// have been done. Never tried again. errors.Is finds context.DeadlineExceeded in it.
type TenlyrTimeoutError struct{ *TenlyrError }

// Unwrap answers the Error within.
func (e *TenlyrTimeoutError) Unwrap() error { return e.TenlyrError }

// Timeout is true, as of a net.Error.
func (e *TenlyrTimeoutError) Timeout() bool { return true }

// TenlyrNetworkError: no whole answer came, after all tries.
type TenlyrNetworkError struct{ *TenlyrError }

// Unwrap answers the Error within.
func (e *TenlyrNetworkError) Unwrap() error { return e.TenlyrError }

// MigrationFailedError: the migration that was waited for failed, or was rolled back.
type MigrationFailedError struct {
	*TenlyrError
	// Migration tells how it stands.
	Migration *Migration
}

// Unwrap answers the Error within.
func (e *MigrationFailedError) Unwrap() error { return e.TenlyrError }

// WebhookVerificationError: a webhook that is not ours, too old, or changed. Code says which:
// missing, malformed, too_old, too_new or signature.
type WebhookVerificationError struct{ *TenlyrError }

// Unwrap answers the Error within.
func (e *WebhookVerificationError) Unwrap() error { return e.TenlyrError }
