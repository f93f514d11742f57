package tenlyr

import (
	"slices"
	"time"
)

// clock is whose clock tells the time of an event.
type clock int

const (
	callersClock clock = iota
	buffersClock
	// serversClock: it did not accept the buffer's, and is asked to take the time itself.
	serversClock
)

// held is an event in a buffer. Flush waits for the events of its own epoch and those before.
type held struct {
	event TrackRequest
	clock clock
	epoch int
}

// sent is the event as it goes out.
func (h held) sent() TrackRequest {
	event := h.event
	if h.clock == serversClock {
		event.Timestamp = time.Time{}
	}
	return event
}

// queue is what a buffer holds of one tenant. All of it belongs to the buffer's mutex.
type queue struct {
	key    string
	events []held
	// isDue: its events waited long enough, or somebody asked for them to be sent.
	isDue bool
	// isListed: it is among those that are ready.
	isListed bool
	// isBusy: a batch of it is under way. One at a time keeps its events in order.
	isBusy   bool
	failures int
	// notBefore is when it may be tried again after a failure.
	notBefore time.Time
	// most is how many are sent at once; less than wanted after batches that were too large.
	most int
}

// take puts an event into its queue. The caller holds the mutex.
func (b *Buffer) take(event TrackRequest, clock clock) {
	waiting := b.queues[event.TenantAPIKey]
	if waiting == nil {
		waiting = &queue{key: event.TenantAPIKey, most: b.params.FlushEvents}
		b.queues[event.TenantAPIKey] = waiting
	}
	waiting.events = append(waiting.events, held{event, clock, b.flushes.add()})
	// A full buffer sends what it has: nothing else makes room. Once, until there was some.
	if len(b.slots) == cap(b.slots) && !b.isPressed {
		b.isPressed = true
		b.hurry()
		return
	}
	b.enqueue(waiting)
}

// hurry lets everything be sent that does not rest after a failure. The caller holds the mutex.
func (b *Buffer) hurry() {
	for _, queue := range b.queues {
		queue.isDue = true
		b.enqueue(queue)
	}
}

// wake ends the rest of what failed. The caller holds the mutex.
func (b *Buffer) wake() {
	for _, queue := range b.queues {
		queue.notBefore = time.Time{}
	}
}

// enqueue lists a queue for sending if there is something to send. The caller holds the mutex.
func (b *Buffer) enqueue(queue *queue) {
	if b.isOver || queue.isListed || queue.isBusy || len(queue.events) == 0 {
		return
	}
	if !queue.isDue && len(queue.events) < b.params.FlushEvents {
		return
	}
	if time.Now().Before(queue.notBefore) {
		return
	}
	queue.isListed = true
	b.ready = append(b.ready, queue)
	if b.workers < b.params.Parallel {
		b.workers++
		b.running.Add(1)
		go b.work()
	}
}

// work sends batches until no queue is ready.
func (b *Buffer) work() {
	defer b.running.Done()
	for {
		queue, batch := b.next()
		if queue == nil {
			return
		}
		outcome := b.send(queue, batch)
		b.finish(queue, outcome)
		for _, one := range outcome.refused {
			b.params.OnError(one.held.event, one.why)
		}
		b.settle(outcome.settled)
	}
}

// next takes a batch from the first queue that is ready; none ends the worker.
func (b *Buffer) next() (*queue, []held) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if len(b.ready) == 0 {
		b.workers--
		return nil, nil
	}
	queue := b.ready[0]
	b.ready = b.ready[1:]
	queue.isListed, queue.isBusy = false, true
	size := min(queue.most, len(queue.events))
	batch := slices.Clone(queue.events[:size])
	queue.events = slices.Clone(queue.events[size:])
	queue.isDue = queue.isDue && len(queue.events) > 0
	return queue, batch
}

// finish puts back what is to be tried again, before what came since.
func (b *Buffer) finish(queue *queue, outcome outcome) {
	b.mutex.Lock()
	queue.isBusy = false
	if b.isOver {
		b.mutex.Unlock()
		b.giveUp(outcome.kept, b.why)
		return
	}
	defer b.mutex.Unlock()
	queue.events = append(outcome.kept, queue.events...)
	if len(queue.events) == 0 {
		delete(b.queues, queue.key)
		return
	}
	if len(outcome.kept) > 0 {
		b.postpone(queue, outcome)
	} else {
		queue.failures, queue.notBefore = 0, time.Time{}
	}
	b.enqueue(queue)
}

// postpone lets a queue rest after a failure; a batch that was too large is halved instead.
func (b *Buffer) postpone(queue *queue, outcome outcome) {
	queue.isDue = true
	b.last = outcome.why
	if outcome.isTooLarge {
		queue.most = max(1, queue.most/2)
		return
	}
	queue.failures++
	wait := b.usage.client.backOff(b.usage.client.config.Retries + queue.failures)
	queue.notBefore = time.Now().Add(wait)
	time.AfterFunc(wait, func() {
		b.mutex.Lock()
		defer b.mutex.Unlock()
		b.enqueue(queue)
	})
}

// settle gives the room of events back that are stored, refused or dropped.
func (b *Buffer) settle(events []held) {
	if len(events) == 0 {
		return
	}
	// Room first: who waited for a flush must find it.
	for range events {
		<-b.slots
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.isPressed = false
	for _, one := range events {
		b.flushes.remove(one.epoch)
	}
}

// flushes counts the events that each Flush waits for.
type flushes struct {
	epoch   int
	open    map[int]int
	waiting map[int]chan struct{}
}

func newFlushes() flushes {
	return flushes{open: map[int]int{}, waiting: map[int]chan struct{}{}}
}

// add counts an event and answers its epoch.
func (f *flushes) add() int {
	f.open[f.epoch]++
	return f.epoch
}

// begin closes the epoch at hand. The channel is closed once its events, and those of the epochs
// before, are settled.
func (f *flushes) begin() <-chan struct{} {
	done := make(chan struct{})
	f.waiting[f.epoch] = done
	f.epoch++
	f.tell()
	return done
}

func (f *flushes) remove(epoch int) {
	if f.open[epoch]--; f.open[epoch] == 0 {
		delete(f.open, epoch)
		f.tell()
	}
}

func (f *flushes) tell() {
	oldest := f.epoch
	for epoch := range f.open {
		oldest = min(oldest, epoch)
	}
	for epoch, done := range f.waiting {
		if epoch < oldest {
			close(done)
			delete(f.waiting, epoch)
		}
	}
}
