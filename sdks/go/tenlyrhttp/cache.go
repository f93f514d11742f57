package tenlyrhttp

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"
)

// longestUnknown is how long a name that nobody has is remembered: it may be taken any moment.
const longestUnknown = 5 * time.Second

// cache remembers what lookups answered, the least recently used going first. Many who ask for one
// name at once cause one lookup.
type cache struct {
	lookup  Lookup
	ttl     time.Duration
	size    int
	timeout time.Duration
	now     func() time.Time

	mutex   sync.Mutex
	order   *list.List // of *entry, the latest used first
	entries map[string]*list.Element
	flights map[string]*flight
}

type entry struct {
	name   string
	tenant *Tenant // nil: there is none
	until  time.Time
}

// flight is a lookup under way. Its results are there once done is closed.
type flight struct {
	done   chan struct{}
	tenant *Tenant
	err    error
	// isStale: the name was forgotten meanwhile, so what comes is not remembered.
	isStale bool
}

func newCache(lookup Lookup, ttl time.Duration, size int, timeout time.Duration) *cache {
	return &cache{
		lookup: lookup, ttl: ttl, size: size, timeout: timeout, now: time.Now,
		order: list.New(), entries: map[string]*list.Element{}, flights: map[string]*flight{},
	}
}

// get answers the tenant of a name, nil for none.
func (c *cache) get(ctx context.Context, name string) (*Tenant, error) {
	c.mutex.Lock()
	if tenant, ok := c.remembered(name); ok {
		c.mutex.Unlock()
		return tenant, nil
	}
	under, ok := c.flights[name]
	if !ok {
		under = &flight{done: make(chan struct{})}
		c.flights[name] = under
		// Others wait for it too: it does not end with the request that began it.
		go c.fly(context.WithoutCancel(ctx), name, under)
	}
	c.mutex.Unlock()
	select {
	case <-under.done:
		return under.tenant, under.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *cache) remembered(name string) (*Tenant, bool) {
	element, ok := c.entries[name]
	if !ok {
		return nil, false
	}
	known := element.Value.(*entry)
	if !c.now().Before(known.until) {
		c.remove(element)
		return nil, false
	}
	c.order.MoveToFront(element)
	return known.tenant, true
}

func (c *cache) fly(ctx context.Context, name string, under *flight) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	defer close(under.done)
	defer func() {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		if c.flights[name] == under {
			delete(c.flights, name)
		}
		if under.err == nil && !under.isStale {
			c.remember(name, under.tenant)
		}
	}()
	under.tenant, under.err = c.ask(ctx, name)
}

// ask looks a name up. A lookup that panics would end the process, for it runs beside the request.
func (c *cache) ask(ctx context.Context, name string) (tenant *Tenant, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			tenant, err = nil, fmt.Errorf("tenlyrhttp: the lookup panicked: %v", reason)
		}
	}()
	return c.lookup(ctx, name)
}

func (c *cache) remember(name string, tenant *Tenant) {
	keep := c.ttl
	if tenant == nil {
		keep = min(keep, longestUnknown)
	}
	if keep <= 0 {
		return
	}
	if element, ok := c.entries[name]; ok {
		c.remove(element)
	}
	c.entries[name] = c.order.PushFront(&entry{name, tenant, c.now().Add(keep)})
	if c.order.Len() > c.size {
		c.remove(c.order.Back())
	}
}

func (c *cache) remove(element *list.Element) {
	c.order.Remove(element)
	delete(c.entries, element.Value.(*entry).name)
}

// forget lets the next request look a name up again.
func (c *cache) forget(name string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if element, ok := c.entries[name]; ok {
		c.remove(element)
	}
	if under, ok := c.flights[name]; ok {
		under.isStale = true
		delete(c.flights, name)
	}
}
