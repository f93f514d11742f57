package tenlyr

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// WhenFull is what a buffer does with an event that it has no room for.
type WhenFull string

// The choices: BufferWait lets the caller wait for room, BufferDrop leaves the event out.
const (
	BufferWait WhenFull = "wait"
	BufferDrop WhenFull = "drop"
)

// Sentinels of a buffer, for errors.Is.
var (
	ErrBufferFull   = errors.New("tenlyr: the buffer is full")
	ErrBufferClosed = errors.New("tenlyr: the buffer is closed")
)

// closingTime is how long Close tries when its context has no deadline.
const closingTime = 30 * time.Second

// UsageBufferParams is how a buffer behaves. The zero value of each field is its default.
type UsageBufferParams struct {
	// MaxEvents bounds what is held, on its way included: 10,000.
	MaxEvents int
	// FlushEvents is how many events of a tenant are sent at once, 10,000 at most: 500.
	FlushEvents int
	// FlushInterval is how long an event waits for others: 1 s.
	FlushInterval time.Duration
	// Parallel is how many requests are under way at once, one a tenant: 4.
	Parallel int
	// WhenFull is BufferWait, or BufferDrop.
	WhenFull WhenFull
	// OnDrop hears of each event that is left out for want of room.
	OnDrop func(event TrackRequest)
	// OnError hears of each event that will not be sent again, with the reason: the server refused
	// it for good (a PlanLimitExceededError, say), or Close ran out of time. By default it is told to
	// slog. It must not call Flush or Close, which wait for it.
	OnError func(event TrackRequest, err error)
}

// Buffer gathers events and sends them in batches, in the background. Each event gets its ID and
// its time when it is taken, unless it has its own: what is sent again, after a time-out even,
// counts once, and in the month in which it was used. Where the server does not accept that time,
// its own counts. What could not be sent is kept and tried again. It is safe for many goroutines;
// Close it at the end.
type Buffer struct {
	usage  *UsageService
	params UsageBufferParams
	// slots holds one for each event that is held.
	slots  chan struct{}
	closed chan struct{}
	// sending ends what is under way when Close runs out of time.
	sending context.Context
	abandon context.CancelFunc

	mutex   sync.Mutex
	queues  map[string]*queue
	ready   []*queue
	workers int
	running sync.WaitGroup
	// isPressed: it was full, and everything is on its way since.
	isPressed bool
	// isOver: Close gave up what was left, for this reason.
	isOver  bool
	why     error
	last    error
	flushes flushes
}

// Buffer begins a buffer. Its events are of many tenants; the batches are sent by tenant.
func (s *UsageService) Buffer(params UsageBufferParams) *Buffer {
	params = params.withDefaults()
	sending, abandon := context.WithCancel(context.Background())
	buffer := &Buffer{
		usage: s, params: params, sending: sending, abandon: abandon,
		slots: make(chan struct{}, params.MaxEvents), closed: make(chan struct{}),
		queues: map[string]*queue{}, flushes: newFlushes(),
	}
	go buffer.tick()
	return buffer
}

func (p UsageBufferParams) withDefaults() UsageBufferParams {
	if p.MaxEvents <= 0 {
		p.MaxEvents = 10_000
	}
	if p.FlushEvents <= 0 {
		p.FlushEvents = 500
	}
	p.FlushEvents = min(p.FlushEvents, p.MaxEvents, 10_000)
	if p.FlushInterval <= 0 {
		p.FlushInterval = time.Second
	}
	if p.Parallel <= 0 {
		p.Parallel = 4
	}
	if p.WhenFull == "" {
		p.WhenFull = BufferWait
	}
	if p.OnDrop == nil {
		p.OnDrop = func(TrackRequest) {}
	}
	if p.OnError == nil {
		p.OnError = tellLog
	}
	return p
}

// tellLog is where a lost event is told of when nobody asked to hear of it.
func tellLog(event TrackRequest, err error) {
	slog.Error("tenlyr: an event was not counted", "id", event.ID, "error", err)
}

// Track takes an event. It answers at once while there is room, else waits or drops by WhenFull;
// then the error is ErrBufferFull. An event that cannot be sent, a NaN for one, is an error with the
// code "invalid_argument". What the server says is told to OnError.
func (b *Buffer) Track(ctx context.Context, event TrackRequest) error {
	if _, ok := KindOf(event.TenantAPIKey); !ok {
		return malformedKey()
	}
	event, clock := b.taken(event)
	// Found later, it would take its whole batch along.
	if _, err := json.Marshal(event); err != nil {
		return invalidArgument("the event is no JSON: " + err.Error())
	}
	if err := b.reserve(ctx, event); err != nil {
		return err
	}
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if b.isClosed() {
		<-b.slots
		return closedError()
	}
	b.take(event, clock)
	return nil
}

// taken is the event as it stays, whatever the caller does with his pointers, with its ID and time.
func (b *Buffer) taken(event TrackRequest) (TrackRequest, clock) {
	event.ID = eventID(event.ID, nil)
	event.Success, event.LatencyMs = copied(event.Success), copied(event.LatencyMs)
	if !event.Timestamp.IsZero() {
		return event, callersClock
	}
	event.Timestamp = b.usage.client.now().UTC().Truncate(time.Millisecond)
	return event, buffersClock
}

func copied[T any](given *T) *T {
	if given == nil {
		return nil
	}
	return Ptr(*given)
}

// reserve takes a slot for an event.
func (b *Buffer) reserve(ctx context.Context, event TrackRequest) error {
	if b.isClosed() {
		return closedError()
	}
	select {
	case b.slots <- struct{}{}:
		return nil
	default:
	}
	if b.params.WhenFull == BufferDrop {
		b.params.OnDrop(event)
		return &Error{Message: "the buffer is full", Code: "buffer_full", kind: ErrBufferFull}
	}
	select {
	case b.slots <- struct{}{}:
		return nil
	case <-b.closed:
		return closedError()
	case <-ctx.Done():
		return ended(ctx.Err(), ErrBufferFull)
	}
}

func (b *Buffer) isClosed() bool {
	select {
	case <-b.closed:
		return true
	default:
		return false
	}
}

func closedError() error {
	return &Error{Message: "the buffer is closed", Code: "buffer_closed", kind: ErrBufferClosed}
}

// Pending answers how many events are held, those on their way included: never more than MaxEvents.
func (b *Buffer) Pending() int { return len(b.slots) }

// Flush sends what was taken before, and waits until all of it is stored or refused. When the
// context ends first, the error tells what failed last; the events are kept.
func (b *Buffer) Flush(ctx context.Context) error {
	b.mutex.Lock()
	done := b.flushes.begin()
	b.wake()
	b.hurry()
	b.mutex.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		b.mutex.Lock()
		defer b.mutex.Unlock()
		return ended(ctx.Err(), b.last)
	}
}

// Close takes no more events, sends what is left and waits for it: until the context ends, or for
// 30 seconds where it has no deadline. What is left then is told to OnError, and the error says why.
func (b *Buffer) Close(ctx context.Context) error {
	b.mutex.Lock()
	if !b.isClosed() {
		close(b.closed)
	}
	b.mutex.Unlock()
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, closingTime)
		defer cancel()
	}
	err := b.Flush(ctx)
	b.abandon()
	b.giveUpRest(err)
	return err
}

// giveUpRest ends the buffer, and tells of what it still held.
func (b *Buffer) giveUpRest(why error) {
	b.mutex.Lock()
	if !b.isOver {
		b.isOver, b.why = true, why
	}
	var left []held
	for key, queue := range b.queues {
		left = append(left, queue.events...)
		queue.events = nil
		delete(b.queues, key)
	}
	b.ready = nil
	b.mutex.Unlock()
	b.giveUp(left, why)
	b.running.Wait()
}

func (b *Buffer) giveUp(left []held, why error) {
	for _, one := range left {
		b.params.OnError(one.event, why)
	}
	b.settle(left)
}

// tick sends what waited long enough.
func (b *Buffer) tick() {
	ticker := time.NewTicker(b.params.FlushInterval)
	defer ticker.Stop()
	for {
		select {
		case <-b.sending.Done():
			return
		case <-ticker.C:
			b.mutex.Lock()
			b.hurry()
			b.mutex.Unlock()
		}
	}
}
