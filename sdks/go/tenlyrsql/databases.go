// Package tenlyrsql gives database/sql connections that are one tenant: whatever SQL they run, they
// read and write that tenant's rows of your own tables only, with no tenant filter. Bring a driver
// of your own, and name it.
//
//	databases := tenlyrsql.New(tenlyrsql.Options{Client: client, Driver: "pgx"})
//	defer databases.Close(ctx)
//	err := databases.Within(ctx, tenantID, nil, func(tx *sql.Tx) error {
//		_, err := tx.ExecContext(ctx, "INSERT INTO invoices (id, total) VALUES ($1, $2)", id, total)
//		return err
//	})
package tenlyrsql

import (
	"container/list"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"time"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

// Options is how tenants' databases are reached. Client and Driver are required.
type Options struct {
	// Client has the admin key.
	Client *tenlyr.Client
	// Driver is the name under which the driver registered itself: pgx, postgres.
	Driver string
	// DSN makes what the driver opens of a login: its URL, with no parameters.
	DSN func(login Login) string
	// TTL is how long a credential works: an hour. It is renewed before, at four fifths of that.
	TTL time.Duration
	// MaxTenants is how many tenants have open connections at once: 100. Those that were not used
	// for longest are closed, unless they are in use.
	MaxTenants int
	// MaxOpenConns is how many connections a tenant has at most: 5.
	MaxOpenConns int
	// MaxIdleTime is how long a connection stays open unused: 5 minutes.
	MaxIdleTime time.Duration
	// OnError hears of what went wrong beside a call: a credential that could not be ended, say. By
	// default it is told to slog.
	OnError func(err error)
}

// Databases opens, keeps and closes tenants' connections. It is safe for many goroutines.
type Databases struct {
	options Options
	now     func() time.Time
	// grace is how long a database that is no longer wanted stays open for who has it in hand.
	grace time.Duration

	mutex    sync.Mutex
	order    *list.List // of *pool, the latest used first
	pools    map[string]*pool
	retired  map[*retiring]bool
	isClosed bool
}

// ErrClosed is of a Databases after its Close.
var ErrClosed = errors.New("tenlyrsql: closed")

// New makes a Databases. It panics without Client or Driver, as there is nothing to go by.
func New(options Options) *Databases {
	if options.Client == nil || options.Driver == "" {
		panic("tenlyrsql: New needs Client and Driver")
	}
	if options.DSN == nil {
		options.DSN = func(login Login) string { return login.URL(nil) }
	}
	if options.TTL <= 0 {
		options.TTL = time.Hour
	}
	if options.MaxTenants <= 0 {
		options.MaxTenants = 100
	}
	if options.MaxOpenConns <= 0 {
		options.MaxOpenConns = 5
	}
	if options.MaxIdleTime <= 0 {
		options.MaxIdleTime = 5 * time.Minute
	}
	if options.OnError == nil {
		options.OnError = func(err error) { slog.Error("tenlyrsql: a tenant's database", "error", err) }
	}
	return &Databases{
		options: options, now: time.Now, grace: time.Minute,
		order: list.New(), pools: map[string]*pool{}, retired: map[*retiring]bool{},
	}
}

// DB answers a tenant's database. Ask for it at each use: where it is may change. What it refuses
// with SQLSTATE 40001 and placement_moved is a move, after which Refresh finds it again; Within
// does all that by itself.
func (d *Databases) DB(ctx context.Context, tenantID string) (*sql.DB, error) {
	pool, err := d.acquire(tenantID)
	if err != nil {
		return nil, err
	}
	defer d.release(pool)
	return pool.current(ctx, nil, false)
}

// Refresh looks up where a tenant is, and answers its database there.
func (d *Databases) Refresh(ctx context.Context, tenantID string) (*sql.DB, error) {
	pool, err := d.acquire(tenantID)
	if err != nil {
		return nil, err
	}
	defer d.release(pool)
	db, err := pool.current(ctx, nil, false)
	if err != nil {
		return nil, err
	}
	return pool.current(ctx, db, false)
}

// Close ends all: connections that are in use once they are given back, and the credentials. The
// error tells which could not be ended; those end by themselves when their time is over.
func (d *Databases) Close(ctx context.Context) error {
	d.mutex.Lock()
	d.isClosed = true
	var all []*retiring
	for one := range d.retired {
		all = append(all, one)
	}
	for tenantID, pool := range d.pools {
		all = append(all, &retiring{pool: pool})
		delete(d.pools, tenantID)
	}
	d.retired = map[*retiring]bool{}
	d.order.Init()
	d.mutex.Unlock()
	var wrong []error
	for _, one := range all {
		one.stop()
		wrong = append(wrong, one.end(ctx, d.options.Client))
	}
	return errors.Join(wrong...)
}

// acquire answers a tenant's pool, which stays until it is released.
func (d *Databases) acquire(tenantID string) (*pool, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.isClosed {
		return nil, ErrClosed
	}
	found, ok := d.pools[tenantID]
	if !ok {
		found = &pool{owner: d, tenantID: tenantID, lock: make(chan struct{}, 1)}
		found.element = d.order.PushFront(found)
		d.pools[tenantID] = found
		d.evict()
	}
	d.order.MoveToFront(found.element)
	found.users++
	return found, nil
}

func (d *Databases) release(used *pool) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	used.users--
	d.evict()
}

// evict retires pools that are too many and not in use. The caller holds the mutex.
func (d *Databases) evict() {
	for element := d.order.Back(); element != nil && d.order.Len() > d.options.MaxTenants; {
		candidate, before := element.Value.(*pool), element.Prev()
		if candidate.users == 0 && element != d.order.Front() {
			d.order.Remove(element)
			delete(d.pools, candidate.tenantID)
			d.retire(&retiring{pool: candidate})
		}
		element = before
	}
}

// retire ends something after the grace. The caller holds the mutex.
func (d *Databases) retire(one *retiring) {
	if d.isClosed {
		// Close has passed by: whoever is still at work ends what it leaves.
		go d.finish(one)
		return
	}
	d.retired[one] = true
	one.timer = time.AfterFunc(d.grace, func() { d.finish(one) })
}

func (d *Databases) finish(one *retiring) {
	d.mutex.Lock()
	delete(d.retired, one)
	d.mutex.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := one.end(ctx, d.options.Client); err != nil {
		d.options.OnError(err)
	}
}
