package tenlyrsql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

var ctx = context.Background()

func insert(row string) func(*sql.Tx) error {
	return func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, row)
		return err
	}
}

func within(t *testing.T, databases *Databases, row string) {
	t.Helper()
	if err := databases.Within(ctx, "t1", nil, insert(row)); err != nil {
		t.Fatal(err)
	}
}

func TestOneCredentialForManyTransactions(t *testing.T) {
	w, databases := start(t, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := databases.Within(ctx, "t1", nil, insert("row")); err != nil {
				t.Error(err)
			}
		}()
	}
	all.Wait()
	if w.made != 1 || w.asked != 0 || len(w.rows) != 8 {
		t.Errorf("%d credentials, %d looks, %v", w.made, w.asked, w.rows)
	}
	if err := databases.Close(ctx); err != nil || !slices.Equal(w.ended, []string{"role1"}) {
		t.Error(err, w.ended)
	}
	if _, err := databases.DB(ctx, "t1"); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

func TestAMoveIsFollowed(t *testing.T) {
	w, databases := start(t, nil)
	within(t, databases, "before")
	w.change(func() { w.home = "two" })
	within(t, databases, "after")
	// The flip comes between the statement and the commit.
	w.onCommit = func() {
		w.onCommit = nil
		w.change(func() { w.home = "three" })
	}
	within(t, databases, "meanwhile")
	wanted := []string{"before at one", "after at two", "meanwhile at three"}
	if !slices.Equal(w.rows, wanted) || w.made != 1 || w.asked != 2 {
		t.Errorf("%v, %d credentials, %d looks", w.rows, w.made, w.asked)
	}
}

func TestRefreshFollowsAMoveToo(t *testing.T) {
	w, databases := start(t, nil)
	db, err := databases.DB(ctx, "t1")
	if err != nil {
		t.Fatal(err)
	}
	w.change(func() { w.home = "two" })
	if _, err := db.ExecContext(ctx, "row"); !isMoved(err) {
		t.Fatal(err)
	}
	if db, err = databases.Refresh(ctx, "t1"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, "row"); err != nil {
		t.Fatal(err)
	}
}

func TestAnEndedCredentialIsRenewed(t *testing.T) {
	w, databases := start(t, nil)
	within(t, databases, "first")
	w.change(func() { w.invalid["role1"] = true })
	within(t, databases, "second")
	if w.made != 2 || len(w.rows) != 2 {
		t.Errorf("%d credentials, %v", w.made, w.rows)
	}
}

func TestACredentialIsRenewedInTime(t *testing.T) {
	w, databases := start(t, func(o *Options) { o.TTL = time.Hour })
	databases.grace = 0
	at := time.Now()
	databases.now = func() time.Time { return at }
	within(t, databases, "first")
	at = at.Add(47 * time.Minute)
	within(t, databases, "second")
	if w.made != 1 {
		t.Errorf("%d credentials", w.made)
	}
	at = at.Add(time.Minute)
	within(t, databases, "third")
	if w.made != 2 || len(w.rows) != 3 {
		t.Errorf("%d credentials, %v", w.made, w.rows)
	}
	waitFor(t, func() bool { return slices.Contains(w.ended, "role1") }, w)
}

func TestWhatIsNoMoveIsTheCallers(t *testing.T) {
	w, databases := start(t, nil)
	own := errors.New("no such invoice")
	for name, failure := range map[string]error{
		"its own": own, "another serialization": serialized, "a blocked tenant": blocked,
	} {
		runs := 0
		err := databases.Within(ctx, "t1", nil, func(tx *sql.Tx) error {
			runs++
			return fmt.Errorf("within: %w", failure)
		})
		if !errors.Is(err, failure) || runs != 1 {
			t.Errorf("%s: %v after %d runs", name, err, runs)
		}
	}
	if len(w.rows) != 0 {
		t.Error(w.rows)
	}
}

func TestTriesAreBounded(t *testing.T) {
	for _, failure := range []error{moved, kicked, over} {
		w, databases := start(t, nil)
		w.refuse = failure
		runs := 0
		err := databases.Within(ctx, "t1", nil, func(tx *sql.Tx) error {
			runs++
			return insert("row")(tx)
		})
		if !errors.Is(err, failure) || runs != mostTries {
			t.Errorf("%v after %d runs", err, runs)
		}
	}
}

func TestAContextThatEndsEndsTheTries(t *testing.T) {
	w, databases := start(t, nil)
	w.refuse = moved
	gone, cancel := context.WithCancel(ctx)
	err := databases.Within(gone, "t1", nil, func(tx *sql.Tx) error {
		cancel()
		return insert("row")(tx)
	})
	if err == nil || w.asked != 0 {
		t.Error(err, w.asked)
	}
}

func TestAPanicRollsBack(t *testing.T) {
	w, databases := start(t, func(o *Options) { o.MaxOpenConns = 1 })
	func() {
		defer func() {
			if recover() != "oh" {
				t.Error("the panic is lost")
			}
		}()
		_ = databases.Within(ctx, "t1", nil, func(tx *sql.Tx) error { panic("oh") })
	}()
	within(t, databases, "next") // its connection is free again
	if len(w.rows) != 1 {
		t.Error(w.rows)
	}
}

func TestTenantsUsedLongAgoAreClosed(t *testing.T) {
	w, databases := start(t, func(o *Options) { o.MaxTenants = 2 })
	databases.grace = 0
	err := databases.Within(ctx, "used", nil, func(*sql.Tx) error {
		for _, tenantID := range []string{"a", "b", "c"} {
			if _, err := databases.DB(ctx, tenantID); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return len(w.ended) == 2 }, w)
	if slices.Contains(w.ended, "role1") || len(databases.pools) != 2 {
		t.Error(w.ended, databases.pools)
	}
	if err := databases.Close(ctx); err != nil || len(w.ended) != 4 {
		t.Error(err, w.ended)
	}
}

func waitFor(t *testing.T, done func() bool, w *world) {
	t.Helper()
	for range 6000 {
		is := false
		w.change(func() { is = done() })
		if is {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it does not come")
}

func TestTenlyrsErrorsAreTold(t *testing.T) {
	databases := New(Options{Client: tenlyr.New(tenlyr.Config{APIKey: "no key"}), Driver: "world"})
	if _, err := databases.DB(ctx, "t1"); !errors.Is(err, tenlyr.ErrAuthentication) {
		t.Error(err)
	}
	unknown := New(Options{Client: tenlyr.New(tenlyr.Config{}), Driver: "none"})
	if err := unknown.Within(ctx, "t1", nil, insert("row")); err == nil {
		t.Error("no error")
	}
}

func TestALoginsURL(t *testing.T) {
	login := Login{Host: "::1", Port: 6432, Database: "db x", Role: "r", Password: "p@/:?"}
	wanted := "postgresql://r:p%40%2F%3A%3F@[::1]:6432/db%20x?sslmode=disable"
	if got := login.URL(url.Values{"sslmode": {"disable"}}); got != wanted {
		t.Error(got)
	}
	if printed := fmt.Sprintf("%v %+v %#v", login, &login, login); strings.Contains(printed, "p@/") {
		t.Error(printed)
	}
}

func TestMistakesAreToldAtOnce(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New(Options{Driver: "world"})
}
