package tenlyrsql

import (
	"fmt"
	"net"
	"net/url"
	"strconv"

	tenlyr "github.com/tenlyr/tenlyr-go"
)

// Login is a tenant's way to its rows: where they are now, and a role that is this tenant whatever
// SQL it runs.
type Login struct {
	TenantID string
	Host     string
	Port     int
	Database string
	Schema   string
	Role     string
	Password string
}

// URL is the login as a Postgres URL, with parameters of the driver's: sslmode and the like.
func (l Login) URL(params url.Values) string {
	address := url.URL{
		Scheme: "postgresql", User: url.UserPassword(l.Role, l.Password),
		Host: net.JoinHostPort(l.Host, strconv.Itoa(l.Port)), Path: "/" + l.Database,
		RawQuery: params.Encode(),
	}
	return address.String()
}

// String leaves the password out.
func (l Login) String() string {
	return fmt.Sprintf("%s at %s:%d/%s", l.Role, l.Host, l.Port, l.Database)
}

// GoString leaves the password out.
func (l Login) GoString() string { return l.String() }

func loginOf(tenantID string, made *tenlyr.NewCredential) Login {
	return Login{
		TenantID: tenantID, Host: made.Host, Port: made.Port, Database: made.Database,
		Schema: made.Schema, Role: made.Role, Password: made.Password,
	}
}

// at is the same login at another place: role and password outlive a move.
func (l Login) at(place *tenlyr.Connection) Login {
	l.Host, l.Port, l.Database, l.Schema = place.Host, place.Port, place.Database, place.Schema
	return l
}
