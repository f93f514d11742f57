package tenlyr

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	longestWait       = 30 * time.Second
	longestRetryAfter = 60 * time.Second
)

// answer is a whole answer, its body read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) requestID() string { return a.header.Get("X-Request-Id") }

func (a *answer) isSuccess() bool { return a.status >= 200 && a.status < 300 }

// call does a request and reads its answer into result, unless that is nil.
func (c *Client) call(
	ctx context.Context, r request, result any, options ...Option,
) (*answer, error) {
	ready, err := c.prepare(r, options)
	if err != nil {
		return nil, err
	}
	response, err := c.send(ctx, ready)
	if err != nil || result == nil {
		return response, err
	}
	if err := json.Unmarshal(response.body, result); err != nil {
		return nil, &Error{
			Message: "the answer is not the JSON it should be", StatusCode: response.status,
			Code: "invalid_response", Body: response.body, RequestID: response.requestID(), cause: err,
		}
	}
	return response, nil
}

// send tries until there is an answer to go by, or no try left.
func (c *Client) send(ctx context.Context, ready *prepared) (*answer, error) {
	for attempt := 1; ; attempt++ {
		response, err := c.try(ctx, ready, attempt)
		if err == nil {
			return response, nil
		}
		wait, again := c.waitAfter(response, err, attempt)
		if !again {
			return nil, err
		}
		if c.config.Hooks.OnRetry != nil {
			c.config.Hooks.OnRetry(RetryInfo{ready.info(attempt), wait, reasonOf(response)})
		}
		if stopped := c.config.Sleep(ctx, wait); stopped != nil {
			return nil, ended(stopped, err)
		}
	}
}

func (p *prepared) info(attempt int) RequestInfo {
	return RequestInfo{Method: p.method, URL: p.url, Attempt: attempt}
}

func reasonOf(response *answer) string {
	if response == nil {
		return "network"
	}
	return strconv.Itoa(response.status)
}

// try sends once. An answer that is no success comes with its error.
func (c *Client) try(ctx context.Context, ready *prepared, attempt int) (*answer, error) {
	within, cancel := c.limited(ctx)
	defer cancel()
	made, err := ready.http(within)
	if err != nil {
		return nil, err
	}
	if c.config.Hooks.OnRequest != nil {
		c.config.Hooks.OnRequest(ready.info(attempt))
	}
	began := c.now()
	response, err := c.exchange(made)
	if err != nil {
		return nil, failure(ctx, within, err)
	}
	if c.config.Hooks.OnResponse != nil {
		c.config.Hooks.OnResponse(ResponseInfo{
			ready.info(attempt), response.status, c.now().Sub(began), response.requestID(),
		})
	}
	if !response.isSuccess() {
		return response, errorOf(response, c.now())
	}
	return response, nil
}

func (c *Client) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.config.Timeout < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.config.Timeout)
}

// exchange sends a request and reads the whole body of its answer.
func (c *Client) exchange(made *http.Request) (*answer, error) {
	response, err := c.http.Do(made)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if closed := response.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	return &answer{response.StatusCode, response.Header, body}, nil
}

// failure tells why there is no whole answer: the caller gave up, time is up, or the network.
func failure(ctx, within context.Context, err error) error {
	var timeout net.Error
	switch {
	case ctx.Err() != nil:
		return ended(ctx.Err(), err)
	case within.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return timedOut("no answer within the time-out", errors.Join(context.DeadlineExceeded, err))
	}
	return &TenlyrNetworkError{&Error{
		Message: "no whole answer: " + err.Error(), kind: ErrNetwork, cause: err,
	}}
}

// ended is the error of a call whose context ended, after what went wrong before.
func ended(stopped, before error) error {
	cause := errors.Join(stopped, before)
	if errors.Is(stopped, context.DeadlineExceeded) {
		return timedOut("the context's deadline passed", cause)
	}
	return &Error{Message: "the call was given up: " + stopped.Error(), cause: cause}
}

func timedOut(message string, cause error) error {
	return &TenlyrTimeoutError{&Error{Message: message, kind: ErrTimeout, cause: cause}}
}

// waitAfter tells whether to try again, and how long to wait before.
func (c *Client) waitAfter(response *answer, err error, attempt int) (time.Duration, bool) {
	if attempt > c.config.Retries || !isPassing(response, err) {
		return 0, false
	}
	if response != nil {
		if wait, asked := retryAfter(response.header, c.now()); asked {
			return wait, wait <= longestRetryAfter
		}
	}
	return c.backOff(attempt), true
}

// isPassing tells whether another try may fare better.
func isPassing(response *answer, err error) bool {
	if response == nil {
		var network *TenlyrNetworkError
		return errors.As(err, &network)
	}
	status := response.status
	return status == http.StatusTooManyRequests ||
		status >= 500 && status != http.StatusNotImplemented
}

// backOff is the wait before try attempt+1: doubled each time, all of it by chance.
func (c *Client) backOff(attempt int) time.Duration {
	bound := c.config.RetryDelay
	for i := 1; i < attempt && bound < longestWait; i++ {
		bound *= 2
	}
	return time.Duration(c.config.Random() * float64(min(bound, longestWait)))
}
