package tenlyr

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// outcome is what became of a batch.
type outcome struct {
	// settled is over: stored, or refused.
	settled []held
	refused []refused
	// kept is to be tried again; why is the reason.
	kept       []held
	why        error
	isTooLarge bool
	// untimed is to be sent at once, without the time that the server did not accept.
	untimed []held
}

type refused struct {
	held held
	why  error
}

// send tries a batch. A queue's key, and its size, do not change meanwhile.
func (b *Buffer) send(queue *queue, batch []held) outcome {
	events := make([]TrackRequest, len(batch))
	for i, one := range batch {
		events[i] = one.sent()
	}
	answered, err := b.usage.TrackBatch(b.sending, queue.key, events)
	if err == nil {
		all := sorted(batch, answered)
		if len(all.untimed) > 0 {
			return all.and(b.send(queue, all.untimed))
		}
		return all
	}
	if isSplittable(err) && len(batch) > 1 {
		return outcome{kept: batch, why: err, isTooLarge: true}
	}
	if isForGood(err) {
		all := outcome{settled: batch}
		for _, one := range batch {
			all.refused = append(all.refused, refused{one, err})
		}
		return all
	}
	return outcome{kept: batch, why: err}
}

// and is what became of a batch of which a part was sent once more.
func (o outcome) and(later outcome) outcome {
	later.settled = append(o.settled, later.settled...)
	later.refused = append(o.refused, later.refused...)
	later.kept = append(o.kept, later.kept...)
	if later.why == nil {
		later.why = o.why
	}
	return later
}

// isSplittable: the batch as a whole was refused, and one event may be the reason.
func isSplittable(err error) bool {
	switch statusOf(err) {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// isForGood: no other try would fare better. A conflict may: an earlier try is still under way.
func isForGood(err error) bool {
	var base *Error
	if errors.As(err, &base) && base.Code == "invalid_argument" {
		return true
	}
	status := statusOf(err)
	switch status {
	case http.StatusNotImplemented:
		return true
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly,
		http.StatusTooManyRequests:
		return false
	}
	return status >= 400 && status < 500
}

func statusOf(err error) int {
	var base *Error
	if errors.As(err, &base) {
		return base.StatusCode
	}
	return 0
}

// sorted takes a batch apart by what the server said of each event. Of what it said nothing is
// known, so that is tried again.
func sorted(batch []held, answered *Batch) outcome {
	told := make([]*BatchResult, len(batch))
	for i, result := range answered.Results {
		if result.Index >= 0 && result.Index < len(batch) {
			told[result.Index] = &answered.Results[i]
		}
	}
	var all outcome
	for i, one := range batch {
		err := errorOfEvent(told[i])
		switch {
		case err == nil:
			all.settled = append(all.settled, one)
		case one.clock == buffersClock && statusOf(err) == http.StatusUnprocessableEntity:
			one.clock = serversClock
			all.untimed = append(all.untimed, one)
		case isForGood(err):
			all.settled = append(all.settled, one)
			all.refused = append(all.refused, refused{one, err})
		default:
			all.kept, all.why = append(all.kept, one), err
		}
	}
	return all
}

// errorOfEvent is the error that the event alone would have been answered with.
func errorOfEvent(result *BatchResult) error {
	if result == nil {
		return &Error{Message: "the server said nothing of the event"}
	}
	if result.Status >= 200 && result.Status < 300 {
		return nil
	}
	body, err := json.Marshal(result)
	if err != nil {
		return &Error{Message: "the event's result cannot be read", cause: err}
	}
	base := &Error{
		Message: result.Message, StatusCode: result.Status, Code: result.Code, Body: body,
	}
	return kindOfError(base, errorBody{}, &answer{status: result.Status, body: body}, time.Time{})
}
