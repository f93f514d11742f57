package tenlyr

import (
	"context"
	"iter"
	"strconv"
)

// DataPlaneService is releases of your own tables, and their way to every tenant.
type DataPlaneService struct{ client *Client }

// Drift compares every schema with the shared one.
func (s *DataPlaneService) Drift(ctx context.Context) (*Drift, error) {
	return fetch[Drift](ctx, s.client, get("/api/v1/dataplane/drift", nil))
}

// DataPlaneListParams is which page, and how many releases it has (100 at most).
type DataPlaneListParams struct {
	Cursor string `query:"cursor,omitempty"`
	Limit  int    `query:"limit,omitempty"`
}

// List answers a page of releases, the newest first.
func (s *DataPlaneService) List(
	ctx context.Context, params DataPlaneListParams,
) (*ReleasePage, error) {
	return fetch[ReleasePage](ctx, s.client, get("/api/v1/dataplane/releases", params))
}

// ListAll walks through all pages of List.
func (s *DataPlaneService) ListAll(
	ctx context.Context, params DataPlaneListParams,
) iter.Seq2[Release, error] {
	return walk(params.Cursor, func(cursor string) ([]Release, string, error) {
		params.Cursor = cursor
		page, err := s.List(ctx, params)
		if err != nil {
			return nil, "", err
		}
		return follow(page.Data, page.NextCursor)
	})
}

// DataPlanePublishParams is a release. Both are required.
type DataPlanePublishParams struct {
	// Version is higher than that of every release before.
	Version int `json:"version"`
	// SQL is DDL of tables; each has `tenant_id uuid NOT NULL` and a key with it.
	SQL string `json:"sql"`
}

// Publish releases a version of your tables to the shared schema.
func (s *DataPlaneService) Publish(
	ctx context.Context, params DataPlanePublishParams, options ...Option,
) (*Release, error) {
	return fetch[Release](ctx, s.client, post("/api/v1/dataplane/releases", params), options...)
}

// Get answers a release.
func (s *DataPlaneService) Get(ctx context.Context, version int) (*Release, error) {
	r := get("/api/v1/dataplane/releases/%s", nil, strconv.Itoa(version))
	return fetch[Release](ctx, s.client, r)
}

// Rollout answers how far a release's roll-out is.
func (s *DataPlaneService) Rollout(ctx context.Context, version int) (*Rollout, error) {
	r := get("/api/v1/dataplane/releases/%s/rollout", nil, strconv.Itoa(version))
	return fetch[Rollout](ctx, s.client, r)
}

// DataPlaneStartRolloutParams is how a release gets to tenants with a schema of their own.
type DataPlaneStartRolloutParams struct {
	// CanaryTenantIDs get the version before all others.
	CanaryTenantIDs []string `json:"canaryTenantIds"`
	// Parallel is how many schemas are worked on at once: 4, or 1 to 16.
	Parallel int `json:"parallel,omitempty"`
	// FailureBudget is how many schemas may refuse before the roll-out stops: none by default.
	FailureBudget *int `json:"failureBudget"`
}

// StartRollout begins to take a release to every schema that lacks it.
func (s *DataPlaneService) StartRollout(
	ctx context.Context, version int, params DataPlaneStartRolloutParams, options ...Option,
) (*Rollout, error) {
	return s.steer(ctx, "", version, params, options)
}

// EndRollout gives a roll-out up; schemas that have the release keep it.
func (s *DataPlaneService) EndRollout(
	ctx context.Context, version int, options ...Option,
) (*Rollout, error) {
	return s.steer(ctx, "/end", version, nil, options)
}

// PauseRollout holds a roll-out after the batch at hand.
func (s *DataPlaneService) PauseRollout(
	ctx context.Context, version int, options ...Option,
) (*Rollout, error) {
	return s.steer(ctx, "/pause", version, nil, options)
}

// ResumeRollout goes on with a paused or failed roll-out.
func (s *DataPlaneService) ResumeRollout(
	ctx context.Context, version int, options ...Option,
) (*Rollout, error) {
	return s.steer(ctx, "/resume", version, nil, options)
}

func (s *DataPlaneService) steer(
	ctx context.Context, verb string, version int, params any, options []Option,
) (*Rollout, error) {
	r := post("/api/v1/dataplane/releases/%s/rollout"+verb, params, strconv.Itoa(version))
	return fetch[Rollout](ctx, s.client, r, options...)
}
