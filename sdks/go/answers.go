package tenlyr

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// errorBody is an error's body as the API answers it.
type errorBody struct {
	message string
	code    string
	errors  []FieldError
}

// readError takes what it can from an error's body: what is no JSON of ours, a proxy's page say,
// has a status all the same.
func readError(response *answer) errorBody {
	var read errorBody
	fields := map[string]json.RawMessage{}
	if json.Unmarshal(response.body, &fields) == nil {
		for name, into := range map[string]any{
			"message": &read.message, "code": &read.code, "errors": &read.errors,
		} {
			// A field of another form stays empty, alone.
			_ = json.Unmarshal(fields[name], into)
		}
	}
	if read.message == "" {
		read.message = statusText(response.status)
	}
	return read
}

// errorOf makes the error of an answer that is no success.
func errorOf(response *answer, now time.Time) error {
	body := readError(response)
	base := &Error{
		Message: body.message, StatusCode: response.status, Code: body.code,
		Body: response.body, RequestID: response.requestID(),
	}
	return kindOfError(base, body, response, now)
}

func statusText(status int) string {
	if text := http.StatusText(status); text != "" {
		return text
	}
	return "unexpected status " + strconv.Itoa(status)
}

func kindOfError(base *Error, body errorBody, response *answer, now time.Time) error {
	switch {
	case base.StatusCode == http.StatusUnauthorized:
		base.kind = ErrAuthentication
		return &AuthenticationError{base}
	case base.StatusCode == http.StatusForbidden:
		base.kind = ErrPermission
		return &PermissionError{base}
	case base.StatusCode == http.StatusNotFound:
		base.kind = ErrNotFound
		return &NotFoundError{base}
	case base.StatusCode == http.StatusConflict:
		base.kind = ErrConflict
		return &ConflictError{base}
	case base.StatusCode == http.StatusUnprocessableEntity:
		base.kind = ErrInvalidRequest
		return &InvalidRequestError{base, body.errors}
	case base.StatusCode == http.StatusTooManyRequests:
		base.kind = ErrRateLimit
		after, _ := retryAfter(response.header, now)
		return &RateLimitError{base, after}
	case base.StatusCode == http.StatusNotImplemented:
		base.kind = ErrNotImplemented
		return &TenlyrNotImplementedError{base}
	case base.StatusCode == http.StatusBadRequest && base.Code == "plan_limit_exceeded":
		return planLimitError(base)
	}
	return base
}

func planLimitError(base *Error) error {
	base.kind = ErrPlanLimitExceeded
	var told struct {
		Metric  UsageMetric `json:"metric"`
		Limit   float64     `json:"limit"`
		Current float64     `json:"current"`
		ResetAt *time.Time  `json:"resetAt"`
	}
	failed := &PlanLimitExceededError{TenlyrError: base}
	// A detail of another form than ours leaves the details out, not the error.
	if json.Unmarshal(base.Body, &told) == nil {
		failed.Metric, failed.Limit, failed.Current = told.Metric, told.Limit, told.Current
		if told.ResetAt != nil {
			failed.ResetAt = *told.ResetAt
		}
	}
	return failed
}

var secondsForm = regexp.MustCompile(`^\d+(\.\d+)?$`)

// A number of seconds beyond this is as good as never, and would not fit a time.Duration.
const longestSeconds = 1e9

// retryAfter reads Retry-After: seconds or a date. False where there is none that can be read.
func retryAfter(header http.Header, now time.Time) (time.Duration, bool) {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if secondsForm.MatchString(text) {
		seconds, err := strconv.ParseFloat(text, 64)
		return time.Duration(min(seconds, longestSeconds) * float64(time.Second)), err == nil
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return max(0, at.Sub(now)), true
}
