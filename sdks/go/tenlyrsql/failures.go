package tenlyrsql

import (
	"database/sql/driver"
	"errors"
	"strings"
)

// What PostgreSQL tells of an error, whichever driver hands it on.
const (
	serializationFailure = "40001"
	adminShutdown        = "57P01"
	authorizationClass   = "28"
)

// sqlState is the error's five characters; empty for an error that is none of the server's.
func sqlState(err error) string {
	var told interface{ SQLState() string }
	if errors.As(err, &told) {
		return told.SQLState()
	}
	return ""
}

// isMoved: the tenant lives elsewhere now, and nothing was committed here.
func isMoved(err error) bool {
	return sqlState(err) == serializationFailure && strings.Contains(err.Error(), "placement_moved")
}

// isEnded: the credential is over. A tenant that is blocked is told by the same state.
func isEnded(err error) bool {
	return strings.HasPrefix(sqlState(err), authorizationClass) &&
		!strings.Contains(err.Error(), "tenant_blocked")
}

// isCutOff: the session ended, as it does when its tenant moves.
func isCutOff(err error) bool {
	return sqlState(err) == adminShutdown || errors.Is(err, driver.ErrBadConn)
}
