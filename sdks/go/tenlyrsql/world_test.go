package tenlyrsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

// world is Tenlyr and its databases, as far as they matter here: a tenant is at one host, and any
// other refuses it.
type world struct {
	mutex    sync.Mutex
	home     string
	made     int
	ended    []string
	asked    int
	invalid  map[string]bool // roles whose credential is over
	rows     []string        // what was committed, and where
	onCommit func()
	refuse   error // what any statement is answered with
}

var (
	worldsMutex sync.Mutex
	worlds      = map[string]*world{}
)

func init() { sql.Register("world", worldDriver{}) }

func start(t *testing.T, change func(*Options)) (*world, *Databases) {
	t.Helper()
	w := &world{home: "one", invalid: map[string]bool{}}
	worldsMutex.Lock()
	worlds[t.Name()] = w
	worldsMutex.Unlock()
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	options := Options{
		Client: tenlyr.New(tenlyr.Config{
			APIKey:  "tenlyr_live_tf_ConformanceAdmin0ConformanceAdmin0Confor1q4ykj",
			BaseURL: server.URL, Retries: tenlyr.NoRetries,
		}),
		Driver: "world",
		DSN: func(login Login) string {
			return login.URL(url.Values{"world": {t.Name()}})
		},
		OnError: func(err error) { t.Error(err) },
	}
	if change != nil {
		change(&options)
	}
	return w, New(options)
}

func (w *world) ServeHTTP(answer http.ResponseWriter, r *http.Request) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/isolation/connection")
	switch {
	case r.Method == http.MethodPost:
		w.made++
		role := fmt.Sprintf("role%d", w.made)
		_ = json.NewEncoder(answer).Encode(map[string]any{
			"id": role, "role": role, "password": "p@ss/" + role, "host": w.home, "port": 5432,
			"database": "app", "schema": "d_1",
		})
	case r.Method == http.MethodDelete:
		w.ended = append(w.ended, strings.TrimPrefix(path, "/credentials/"))
		answer.WriteHeader(http.StatusNoContent)
	default:
		w.asked++
		_ = json.NewEncoder(answer).Encode(map[string]any{
			"tenantId": r.URL.Query().Get("tenantId"), "host": w.home, "port": 5432,
			"database": "app", "schema": "d_1",
		})
	}
}

func (w *world) change(how func()) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	how()
}

type stateError struct{ state, message string }

func (e stateError) Error() string    { return e.message }
func (e stateError) SQLState() string { return e.state }

var (
	moved      = stateError{"40001", "ERROR: placement_moved"}
	serialized = stateError{"40001", "ERROR: could not serialize access"}
	over       = stateError{"28000", "ERROR: credential_ended"}
	blocked    = stateError{"28000", "ERROR: tenant_blocked"}
	kicked     = stateError{"57P01", "FATAL: terminating connection"}
)

type worldDriver struct{}

func (worldDriver) Open(dsn string) (driver.Conn, error) {
	address, err := url.Parse(dsn)
	if err != nil {
		return nil, err
	}
	worldsMutex.Lock()
	defer worldsMutex.Unlock()
	w := worlds[address.Query().Get("world")]
	role := address.User.Username()
	if password, _ := address.User.Password(); password != "p@ss/"+role {
		return nil, errors.New("wrong password")
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.invalid[role] {
		return nil, over
	}
	return &worldConn{w, address.Hostname(), role, nil}, nil
}

type worldConn struct {
	world   *world
	host    string
	role    string
	written []string
}

func (c *worldConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not prepared") }
func (c *worldConn) Close() error                        { return nil }
func (c *worldConn) Begin() (driver.Tx, error)           { c.written = nil; return c, nil }
func (c *worldConn) Rollback() error                     { return nil }

func (c *worldConn) ExecContext(
	_ context.Context, query string, _ []driver.NamedValue,
) (driver.Result, error) {
	c.world.mutex.Lock()
	defer c.world.mutex.Unlock()
	switch {
	case c.world.refuse != nil:
		return nil, c.world.refuse
	case c.world.invalid[c.role]:
		return nil, over
	case c.host != c.world.home:
		return nil, moved
	}
	c.written = append(c.written, query+" at "+c.host)
	return driver.RowsAffected(1), nil
}

func (c *worldConn) Commit() error {
	if c.world.onCommit != nil {
		c.world.onCommit()
	}
	c.world.mutex.Lock()
	defer c.world.mutex.Unlock()
	if c.host != c.world.home {
		return moved
	}
	c.world.rows = append(c.world.rows, c.written...)
	return nil
}
