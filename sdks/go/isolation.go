package tenlyr

import (
	"context"
	"iter"
	"time"
)

// IsolationService is where tenants' rows are, how they move, and the proofs that nobody else sees
// them.
type IsolationService struct{ client *Client }

// IsolationConnectionParams is whose connection.
type IsolationConnectionParams struct {
	// Key replaces the client's key: a tenant's key asks for that tenant.
	Key string
	// TenantID is required with an admin key.
	TenantID string `query:"tenantId,omitempty"`
}

// Connection answers where a tenant's rows of your own tables are reached now.
func (s *IsolationService) Connection(
	ctx context.Context, params IsolationConnectionParams,
) (*Connection, error) {
	r := get("/api/v1/isolation/connection", params).with(params.Key)
	return fetch[Connection](ctx, s.client, r)
}

// IsolationCreateCredentialParams is whose credential, and for how long.
type IsolationCreateCredentialParams struct {
	// Key replaces the client's key: a tenant's key asks for that tenant.
	Key string
	// TenantID is required with an admin key.
	TenantID string `json:"tenantId,omitempty"`
	// TTLSeconds is how long it works, 60 at least; without it, until it is ended.
	TTLSeconds int `json:"ttlSeconds,omitempty"`
}

// CreateCredential makes a login that is its tenant, whatever SQL it runs. Its password is in the
// answer and nowhere else.
func (s *IsolationService) CreateCredential(
	ctx context.Context, params IsolationCreateCredentialParams, options ...Option,
) (*NewCredential, error) {
	r := post("/api/v1/isolation/connection/credentials", params).with(params.Key)
	return fetch[NewCredential](ctx, s.client, r, options...)
}

// IsolationEndCredentialParams is who ends a credential.
type IsolationEndCredentialParams struct {
	// Key replaces the client's key: a tenant's key ends that tenant's.
	Key string
}

// EndCredential ends a login, and its sessions.
func (s *IsolationService) EndCredential(
	ctx context.Context, credentialID string, params IsolationEndCredentialParams,
) error {
	r := remove("/api/v1/isolation/connection/credentials/%s", credentialID).with(params.Key)
	_, err := s.client.call(ctx, r, nil)
	return err
}

// IsolationMigrateParams is where to move. It is required.
type IsolationMigrateParams struct {
	TargetLevel IsolationLevel `json:"targetLevel"`
}

// Migrate begins to move a tenant to a higher level while it works; WaitForMigration sees its end.
func (s *IsolationService) Migrate(
	ctx context.Context, tenantID string, params IsolationMigrateParams, options ...Option,
) (*Migration, error) {
	r := post("/api/v1/isolation/migrate", nil)
	r.body = map[string]any{"tenantId": tenantID, "targetLevel": params.TargetLevel}
	return fetch[Migration](ctx, s.client, r, options...)
}

// IsolationMigrationsParams is which migrations, and how many a page (1000 at most).
type IsolationMigrationsParams struct {
	Cursor string          `query:"cursor,omitempty"`
	Limit  int             `query:"limit,omitempty"`
	Status MigrationStatus `query:"status,omitempty"`
	// TenantID narrows what an admin key sees.
	TenantID string `query:"tenantId,omitempty"`
}

// Migrations answers a page of what the key sees: a tenant's key its own, an admin key all.
func (s *IsolationService) Migrations(
	ctx context.Context, tenantKey string, params IsolationMigrationsParams,
) ([]Migration, error) {
	rows, _, err := s.migrations(ctx, tenantKey, params)
	return rows, err
}

func (s *IsolationService) migrations(
	ctx context.Context, tenantKey string, params IsolationMigrationsParams,
) ([]Migration, string, error) {
	r := get("/api/v1/isolation/migrations", params).as(tenantKey)
	return list[Migration](ctx, s.client, r)
}

// MigrationsAll walks through all pages of Migrations.
func (s *IsolationService) MigrationsAll(
	ctx context.Context, tenantKey string, params IsolationMigrationsParams,
) iter.Seq2[Migration, error] {
	return walk(params.Cursor, func(cursor string) ([]Migration, string, error) {
		params.Cursor = cursor
		return s.migrations(ctx, tenantKey, params)
	})
}

// GetMigration answers how a migration stands.
func (s *IsolationService) GetMigration(
	ctx context.Context, migrationID string,
) (*Migration, error) {
	r := get("/api/v1/isolation/migrations/%s", nil, migrationID)
	return fetch[Migration](ctx, s.client, r)
}

// IsolationWaitForMigrationParams is how often to look (500 ms), and for how long (10 minutes).
type IsolationWaitForMigrationParams struct {
	PollInterval time.Duration
	Timeout      time.Duration
}

// WaitForMigration looks at a migration until it is completed. It answers a MigrationFailedError
// when the migration failed or was rolled back, a TenlyrTimeoutError when time is up.
func (s *IsolationService) WaitForMigration(
	ctx context.Context, migrationID string, params IsolationWaitForMigrationParams,
) (*Migration, error) {
	if params.PollInterval <= 0 {
		params.PollInterval = 500 * time.Millisecond
	}
	if params.Timeout <= 0 {
		params.Timeout = 10 * time.Minute
	}
	until := s.client.now().Add(params.Timeout)
	for {
		migration, err := s.GetMigration(ctx, migrationID)
		if err != nil {
			return nil, err
		}
		if done, err := isOver(migration); done {
			return migration, err
		}
		if s.client.now().Add(params.PollInterval).After(until) {
			return migration, timedOut("the migration is not over within "+params.Timeout.String(),
				context.DeadlineExceeded)
		}
		if err := s.client.config.Sleep(ctx, params.PollInterval); err != nil {
			return migration, ended(err, nil)
		}
	}
}

func isOver(migration *Migration) (bool, error) {
	switch migration.Status {
	case MigrationCompleted:
		return true, nil
	case MigrationFailed, MigrationRolledBack:
		return true, &MigrationFailedError{&Error{
			Message: howItEnded(migration), Code: "migration_failed", kind: ErrMigrationFailed,
		}, migration}
	}
	return false, nil
}

func howItEnded(migration *Migration) string {
	switch {
	case migration.Status == MigrationRolledBack:
		return "the migration was rolled back"
	case migration.Error == nil:
		return "the migration failed: nobody said why"
	}
	return "the migration failed: " + *migration.Error
}

// Rollback begins to move a tenant back to where a migration took it from.
func (s *IsolationService) Rollback(
	ctx context.Context, migrationID string, options ...Option,
) (*Migration, error) {
	r := post("/api/v1/isolation/migrations/%s/rollback", nil, migrationID)
	return fetch[Migration](ctx, s.client, r, options...)
}

// IsolationListProofsParams is which page, and how many proofs it has (100 at most).
type IsolationListProofsParams struct {
	Cursor string `query:"cursor,omitempty"`
	Limit  int    `query:"limit,omitempty"`
}

// ListProofs answers a page of proofs of isolation, the newest first.
func (s *IsolationService) ListProofs(
	ctx context.Context, params IsolationListProofsParams,
) (*ProofPage, error) {
	return fetch[ProofPage](ctx, s.client, get("/api/v1/isolation/proofs", params))
}

// ListProofsAll walks through all pages of ListProofs.
func (s *IsolationService) ListProofsAll(
	ctx context.Context, params IsolationListProofsParams,
) iter.Seq2[Proof, error] {
	return walk(params.Cursor, func(cursor string) ([]Proof, string, error) {
		params.Cursor = cursor
		page, err := s.ListProofs(ctx, params)
		if err != nil {
			return nil, "", err
		}
		return follow(page.Data, page.NextCursor)
	})
}

// Prove begins a proof of isolation.
func (s *IsolationService) Prove(ctx context.Context, options ...Option) (*Proof, error) {
	return fetch[Proof](ctx, s.client, post("/api/v1/isolation/proofs", nil), options...)
}

// GetProof answers a proof with its signed report.
func (s *IsolationService) GetProof(ctx context.Context, proofID string) (*FullProof, error) {
	return fetch[FullProof](ctx, s.client, get("/api/v1/isolation/proofs/%s", nil, proofID))
}
