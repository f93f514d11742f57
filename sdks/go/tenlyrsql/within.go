package tenlyrsql

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

const (
	// mostTries bounds how often a transaction is begun.
	mostTries = 5
	firstWait = 20 * time.Millisecond
)

// Within runs work in a transaction of a tenant and commits it, or rolls it back when work fails.
// When the tenant moves meanwhile nothing was committed, and work is run again where the tenant is
// then: it must do nothing that cannot be done twice but for the transaction. Options may be nil.
func (d *Databases) Within(
	ctx context.Context, tenantID string, options *sql.TxOptions, work func(tx *sql.Tx) error,
) error {
	pool, err := d.acquire(tenantID)
	if err != nil {
		return err
	}
	defer d.release(pool)
	var stale *sql.DB
	ended, wait := false, firstWait
	for try := 1; ; try++ {
		db, err := pool.current(ctx, stale, ended)
		if err != nil {
			return err
		}
		isSafe, err := run(ctx, db, options, work)
		if err == nil || !isSafe || try == mostTries {
			return err
		}
		stale, ended = db, isEnded(err)
		if stopped := sleep(ctx, wait); stopped != nil {
			return errors.Join(stopped, err)
		}
		wait *= 2
	}
}

// run does work once. It tells with an error whether another try is safe and of use.
func run(
	ctx context.Context, db *sql.DB, options *sql.TxOptions, work func(tx *sql.Tx) error,
) (bool, error) {
	tx, err := db.BeginTx(ctx, options)
	if err != nil {
		// Nothing was done; the database may be another one by now.
		return ctx.Err() == nil, err
	}
	isOver := false
	defer func() {
		if !isOver { // work panicked, or ended its goroutine
			_ = tx.Rollback()
		}
	}()
	err = work(tx)
	isOver = true
	if err != nil {
		isSafe := ctx.Err() == nil && (isMoved(err) || isEnded(err) || isCutOff(err))
		if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) && !isSafe {
			err = errors.Join(err, back)
		}
		return isSafe, err
	}
	err = tx.Commit()
	return err != nil && isMoved(err), err
}

func sleep(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
