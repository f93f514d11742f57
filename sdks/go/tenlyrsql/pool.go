package tenlyrsql

import (
	"container/list"
	"context"
	"database/sql"
	"errors"
	"time"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

// pool is a tenant's database, whichever it is at the moment.
type pool struct {
	owner    *Databases
	tenantID string
	// element and users belong to the owner's mutex.
	element *list.Element
	users   int

	// lock is held by who reads or changes the rest.
	lock         chan struct{}
	db           *sql.DB
	login        Login
	credentialID string
	renewAt      time.Time
	isClosed     bool
}

// current answers the database, another one than the stale. It asks Tenlyr only when it must.
func (p *pool) current(ctx context.Context, stale *sql.DB, isEnded bool) (*sql.DB, error) {
	select {
	case p.lock <- struct{}{}:
		defer func() { <-p.lock }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if p.isClosed {
		return nil, ErrClosed
	}
	isFresh := p.db != nil && p.owner.now().Before(p.renewAt)
	if isFresh && p.db != stale {
		return p.db, nil
	}
	if isFresh && !isEnded {
		return p.follow(ctx)
	}
	return p.renew(ctx)
}

// follow opens the database where the tenant is now, with the login it has.
func (p *pool) follow(ctx context.Context) (*sql.DB, error) {
	client := p.owner.options.Client
	place, err := client.Isolation.Connection(ctx, tenlyr.IsolationConnectionParams{
		TenantID: p.tenantID,
	})
	if err != nil {
		return nil, err
	}
	return p.open(p.login.at(place), "")
}

// renew gets a new login, and ends the one before.
func (p *pool) renew(ctx context.Context) (*sql.DB, error) {
	options := p.owner.options
	made, err := options.Client.Isolation.CreateCredential(ctx,
		tenlyr.IsolationCreateCredentialParams{
			TenantID: p.tenantID, TTLSeconds: max(60, int(options.TTL/time.Second)),
		})
	if err != nil {
		return nil, err
	}
	db, err := p.open(loginOf(p.tenantID, made), p.credentialID)
	if err != nil {
		return nil, err
	}
	p.credentialID, p.renewAt = made.ID, p.owner.now().Add(options.TTL/5*4)
	return db, nil
}

// open puts a new database in the place of the one before, which is retired with its credential.
func (p *pool) open(login Login, credentialID string) (*sql.DB, error) {
	options := p.owner.options
	db, err := sql.Open(options.Driver, options.DSN(login))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(options.MaxOpenConns)
	db.SetMaxIdleConns(options.MaxOpenConns)
	db.SetConnMaxIdleTime(options.MaxIdleTime)
	if p.db != nil {
		p.owner.mutex.Lock()
		p.owner.retire(&retiring{db: p.db, credentialID: credentialID})
		p.owner.mutex.Unlock()
	}
	p.db, p.login = db, login
	return db, nil
}

// retiring is a database on its way out, with the credential that nobody needs then: a pool's, or
// one that a pool has replaced.
type retiring struct {
	pool         *pool
	db           *sql.DB
	credentialID string
	timer        *time.Timer
}

func (r *retiring) stop() {
	if r.timer != nil {
		r.timer.Stop()
	}
}

// end closes the database and ends the credential. One that is not there any more is ended.
func (r *retiring) end(ctx context.Context, client *tenlyr.Client) error {
	if r.pool != nil {
		r.pool.lock <- struct{}{}
		r.db, r.credentialID, r.pool.isClosed = r.pool.db, r.pool.credentialID, true
		<-r.pool.lock
	}
	var wrong error
	if r.db != nil {
		wrong = r.db.Close()
	}
	if r.credentialID == "" {
		return wrong
	}
	err := client.Isolation.EndCredential(
		ctx, r.credentialID, tenlyr.IsolationEndCredentialParams{},
	)
	if errors.Is(err, tenlyr.ErrNotFound) {
		err = nil
	}
	return errors.Join(wrong, err)
}
