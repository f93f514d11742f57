# Made from tenlyr/resources/dataplane.py by make_sync.py: change that file, not this one.
"""Your own tables: releases, and their way to every schema."""

from typing import Iterator, Optional, Sequence

from tenlyr._calls import NOT_GIVEN, Maybe, path
from tenlyr._sync._resource import Resource, get, post, walk
from tenlyr._types_dataplane import Drift, Release, ReleasePage, Rollout


class Dataplane(Resource):
    """Your own tables: releases, and their way to every schema."""

    def drift(self) -> Drift:
        """Every schema beside the shared one: what somebody changed by hand."""
        return self._one(Drift, get("/dataplane/drift"))

    def list(
        self, *, cursor: Maybe[str] = NOT_GIVEN, limit: Maybe[int] = NOT_GIVEN
    ) -> ReleasePage:
        """A page of the releases, the newest first."""
        return self._one(ReleasePage, get("/dataplane/releases", cursor=cursor, limit=limit))

    def list_all(
        self, *, cursor: Maybe[str] = NOT_GIVEN, limit: Maybe[int] = NOT_GIVEN
    ) -> Iterator[Release]:
        """All of them, page by page, from `cursor` on; `limit` is the size of a page."""
        return walk(lambda cursor: self.list(limit=limit, cursor=cursor), cursor)

    def publish(
        self, *, sql: str, version: int, idempotency_key: Optional[str] = None
    ) -> Release:
        """Publish a release of your tables; it is in the shared schema when this returns.

        - `sql`: DDL of tables; each has `tenant_id uuid NOT NULL` and a key with it.
        - `version`: Higher than that of every release before it.
        """
        return self._one(
            Release,
            post("/dataplane/releases", idempotency_key, body={"sql": sql, "version": version}),
        )

    def get(self, version: int) -> Release:
        """One release."""
        return self._one(Release, get(path("/dataplane/releases/{}", version)))

    def rollout(self, version: int) -> Rollout:
        """How far a release is on its way to every schema."""
        return self._one(Rollout, get(path("/dataplane/releases/{}/rollout", version)))

    def start_rollout(
        self,
        version: int,
        *,
        canary_tenant_ids: Maybe[Sequence[str]] = NOT_GIVEN,
        parallel: Maybe[int] = NOT_GIVEN,
        failure_budget: Maybe[int] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
    ) -> Rollout:
        """Send a release on its way to every schema of its own.

        - `canary_tenant_ids`: Tenants with a schema of their own that get the version before all
          others.
        - `parallel`: Schemas worked on at once.
        - `failure_budget`: How many schemas may refuse before the roll-out stops.
        """
        return self._one(
            Rollout,
            post(
                path("/dataplane/releases/{}/rollout", version),
                idempotency_key,
                body={
                    "canaryTenantIds": canary_tenant_ids,
                    "parallel": parallel,
                    "failureBudget": failure_budget,
                },
            ),
        )

    def end_rollout(self, version: int, *, idempotency_key: Optional[str] = None) -> Rollout:
        """End a roll-out that is held or stopped."""
        return self._one(
            Rollout, post(path("/dataplane/releases/{}/rollout/end", version), idempotency_key)
        )

    def pause_rollout(
        self, version: int, *, idempotency_key: Optional[str] = None
    ) -> Rollout:
        """Hold a roll-out."""
        return self._one(
            Rollout, post(path("/dataplane/releases/{}/rollout/pause", version), idempotency_key)
        )

    def resume_rollout(
        self, version: int, *, idempotency_key: Optional[str] = None
    ) -> Rollout:
        """Let a roll-out go on."""
        return self._one(
            Rollout, post(path("/dataplane/releases/{}/rollout/resume", version), idempotency_key)
        )
