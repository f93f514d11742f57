package tenlyr

import (
	"encoding/json"
	"time"
)

// Connection is where the tenant's rows of the operator's tables are reached now.
type Connection struct {
	TenantID       string         `json:"tenantId"`
	IsolationLevel IsolationLevel `json:"isolationLevel"`
	Host           string         `json:"host"`
	Port           int            `json:"port"`
	Database       string         `json:"database"`
	Schema         string         `json:"schema"`
	// The newest live credential's; nil without one.
	Role *string `json:"role"`
	// The release that the schema has.
	Version     int          `json:"version"`
	Credentials []Credential `json:"credentials"`
}

// Credential is a live credential; its password is shown once, when it is made.
type Credential struct {
	ID        string     `json:"id"`
	Role      string     `json:"role"`
	ExpiresAt *time.Time `json:"expiresAt"`
	CreatedAt time.Time  `json:"createdAt"`
}

// NewCredential is a new credential with its password and where it works: the only time it is
// shown.
type NewCredential struct {
	Credential
	Password string `json:"password"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
	Database string `json:"database"`
	Schema   string `json:"schema"`
}

// Migration is a migration as every answer shows it.
type Migration struct {
	ID        string         `json:"id"`
	TenantID  string         `json:"tenantId"`
	FromLevel IsolationLevel `json:"fromLevel"`
	ToLevel   IsolationLevel `json:"toLevel"`
	// It ends as completed or failed, and may be rolled_back later.
	Status MigrationStatus `json:"status"`
	// Why it failed; the tenant is where it was.
	Error     *string    `json:"error"`
	CreatedAt time.Time  `json:"createdAt"`
	StartedAt *time.Time `json:"startedAt"`
	// From this moment on the tenant is at its new level.
	FlippedAt  *time.Time `json:"flippedAt"`
	FinishedAt *time.Time `json:"finishedAt"`
	// Until then the old place is kept; nil where no way leads back.
	RollbackUntil *time.Time `json:"rollbackUntil"`
	// The migration that this one undoes.
	RollbackOf *string `json:"rollbackOf"`
	// What was really given, for people; nil until it is there.
	Provided *string  `json:"provided"`
	Progress Progress `json:"progress"`
}

// Progress is how far a migration is.
type Progress struct {
	// The last step that is finished; nil before the first.
	Step     *string `json:"step"`
	RowsDone int64   `json:"rowsDone"`
	// As estimated at the start, then as counted.
	RowsTotal     int64   `json:"rowsTotal"`
	RowsPerSecond float64 `json:"rowsPerSecond"`
	// Of copying; nil while there is no rate to go by.
	EstimatedSecondsLeft *int `json:"estimatedSecondsLeft"`
}

// Proof is a proof without its report.
type Proof struct {
	ID string `json:"id"`
	// `incomplete`: nothing got through, but not everything could be tried; `broken`: there is no
	// result, `error` says why.
	Status ProofStatus `json:"status"`
	Cause  ProofCause  `json:"cause"`
	// How many attacks were made.
	Attacks int `json:"attacks"`
	// How many of them got through.
	Breaches int `json:"breaches"`
	// How many could not be made.
	Unproven int `json:"unproven"`
	// How many holes the catalogue has.
	Defects int `json:"defects"`
	// SHA-256 of the report; empty until it is finished.
	Digest     string     `json:"digest"`
	Error      string     `json:"error"`
	CreatedAt  time.Time  `json:"createdAt"`
	StartedAt  *time.Time `json:"startedAt"`
	FinishedAt *time.Time `json:"finishedAt"`
}

// ProofPage is a page of proofs, the newest first.
type ProofPage struct {
	Data []Proof `json:"data"`
	// Nil on the last page.
	NextCursor *string `json:"nextCursor"`
}

// FullProof is a proof with its signed report, and what changed since the one before.
type FullProof struct {
	Proof
	// Nil until it is finished.
	Signed     *SignedReport `json:"proof"`
	PreviousID *string       `json:"previousId"`
	// Since the previous proof; at most 500.
	Changes []Change `json:"changes"`
}

// SignedReport is a report with its signature: `manage.py prove --verify` checks it, or whoever
// has the key.
type SignedReport struct {
	Report json.RawMessage `json:"report"`
	// SHA-256 of the canonical JSON of `report`.
	Digest    string `json:"digest"`
	Algorithm string `json:"algorithm"`
	// Base64, over the canonical JSON of `report`.
	Signature string `json:"signature"`
	// Base64, 32 bytes.
	PublicKey string `json:"publicKey"`
}

// Change is one fact that is another than in the proof before.
type Change struct {
	Path   string  `json:"path"`
	Before *string `json:"before"`
	After  *string `json:"after"`
}

// Release is a version of the workspace's tables, as they are once it is applied.
type Release struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	// SHA-256 over its statements, in hex.
	Checksum   string        `json:"checksum"`
	Status     ReleaseStatus `json:"status"`
	Statements []string      `json:"statements"`
	Tables     []Table       `json:"tables"`
	CreatedAt  time.Time     `json:"createdAt"`
}

// ReleasePage is a page of releases, the newest first.
type ReleasePage struct {
	Data []Release `json:"data"`
	// Nil on the last page.
	NextCursor *string `json:"nextCursor"`
}

// Table is an operator's table; `key` finds a row again when it moves.
type Table struct {
	Name       string   `json:"name"`
	Key        []string `json:"key"`
	Columns    []Column `json:"columns"`
	References []string `json:"references"`
}

// Column is a column of an operator's table.
type Column struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	IsNullable bool   `json:"isNullable"`
}

// Rollout is a version's way to every schema that lacked it.
type Rollout struct {
	ID      string        `json:"id"`
	Version int           `json:"version"`
	Status  RolloutStatus `json:"status"`
	// The wave at hand, from 1.
	Wave  int `json:"wave"`
	Waves int `json:"waves"`
	// Schemas that were behind when it began.
	Total         int `json:"total"`
	Done          int `json:"done"`
	Failed        int `json:"failed"`
	FailureBudget int `json:"failureBudget"`
	// The first 20.
	Failures             []Failure  `json:"failures"`
	RatePerSecond        *float64   `json:"ratePerSecond"`
	EstimatedSecondsLeft *int       `json:"estimatedSecondsLeft"`
	Error                *string    `json:"error"`
	StartedAt            time.Time  `json:"startedAt"`
	FinishedAt           *time.Time `json:"finishedAt"`
}

// Failure is a schema that refused, and why.
type Failure struct {
	Schema string `json:"schema"`
	Error  string `json:"error"`
}

// Drift is every schema of the workspace beside the shared one, which has the current release.
type Drift struct {
	// The current release; 0 without one.
	Version int  `json:"version"`
	IsClean bool `json:"isClean"`
	Checked int  `json:"checked"`
	// Schemas with an older release: not compared.
	Behind      int      `json:"behind"`
	Unreachable []string `json:"unreachable"`
	// The first 50.
	Drifted      []Drifted `json:"drifted"`
	DriftedTotal int       `json:"driftedTotal"`
}

// Drifted is a schema that differs from its release.
type Drifted struct {
	Schema  string   `json:"schema"`
	Missing []string `json:"missing"`
	Added   []string `json:"added"`
}
