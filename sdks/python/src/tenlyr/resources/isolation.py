"""Where tenants live, how they move, and the proof that nobody sees another's rows."""

from typing import AsyncIterator, Optional

from tenlyr._answers import Listing
from tenlyr._calls import NOT_GIVEN, Maybe, path
from tenlyr._enums import MigrationStatus, TargetLevel
from tenlyr._moves import Wait, is_completed
from tenlyr._resource import Resource, delete, get, post, walk
from tenlyr._types_platform import Connection, FullProof, Migration, NewCredential, Proof, ProofPage


class Isolation(Resource):
    """Where tenants live, how they move, and the proof that nobody sees another's rows."""

    async def connection(
        self, key: Optional[str] = None, *, tenant_id: Maybe[str] = NOT_GIVEN
    ) -> Connection:
        """Where a tenant's rows of your own tables are reached now.

        - `tenant_id`: Which tenant, with an admin key; a tenant's key sees its own anyway.
        """
        return await self._one(
            Connection, get("/isolation/connection", key=key, tenantId=tenant_id)
        )

    async def create_credential(
        self,
        key: Optional[str] = None,
        *,
        tenant_id: Maybe[str] = NOT_GIVEN,
        ttl_seconds: Maybe[Optional[int]] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
    ) -> NewCredential:
        """A login that is the tenant; its password comes with the answer, this once.

        - `tenant_id`: With an admin key only; a tenant's key names its tenant.
        - `ttl_seconds`: How long it works; without it, until it is ended.
        """
        return await self._one(
            NewCredential,
            post(
                "/isolation/connection/credentials",
                idempotency_key,
                key=key,
                body={"tenantId": tenant_id, "ttlSeconds": ttl_seconds},
            ),
        )

    async def end_credential(self, credential_id: str, key: Optional[str] = None) -> None:
        """End a login, with its sessions; with a tenant's `key`, one of that tenant."""
        await self._nothing(
            delete(path("/isolation/connection/credentials/{}", credential_id), key=key)
        )

    async def migrate(
        self, tenant_id: str, *, target_level: TargetLevel, idempotency_key: Optional[str] = None
    ) -> Migration:
        """Move a tenant up, to a level of its own, while it works."""
        return await self._one(
            Migration,
            post(
                "/isolation/migrate",
                idempotency_key,
                body={"tenantId": tenant_id, "targetLevel": target_level},
            ),
        )

    async def migrations(
        self,
        tenant_key: str,
        *,
        cursor: Maybe[str] = NOT_GIVEN,
        limit: Maybe[int] = NOT_GIVEN,
        status: Maybe[MigrationStatus] = NOT_GIVEN,
        tenant_id: Maybe[str] = NOT_GIVEN,
    ) -> Listing[Migration]:
        """The moves of the tenant; with an admin key, of the workspace.

        - `tenant_id`: Only this tenant's, with an admin key; a tenant's key sees its own anyway.
        """
        return await self._many(
            Migration,
            get(
                "/isolation/migrations",
                key=tenant_key,
                cursor=cursor,
                limit=limit,
                status=status,
                tenantId=tenant_id,
            ),
        )

    def migrations_all(
        self,
        tenant_key: str,
        *,
        cursor: Maybe[str] = NOT_GIVEN,
        limit: Maybe[int] = NOT_GIVEN,
        status: Maybe[MigrationStatus] = NOT_GIVEN,
        tenant_id: Maybe[str] = NOT_GIVEN,
    ) -> AsyncIterator[Migration]:
        """All of them, page by page, from `cursor` on; `limit` is the size of a page."""
        return walk(
            lambda cursor: self.migrations(
                tenant_key, limit=limit, status=status, tenant_id=tenant_id, cursor=cursor
            ),
            cursor,
        )

    async def get_migration(self, migration_id: str) -> Migration:
        """One move."""
        return await self._one(Migration, get(path("/isolation/migrations/{}", migration_id)))

    async def rollback(
        self, migration_id: str, *, idempotency_key: Optional[str] = None
    ) -> Migration:
        """Take a completed move back, as long as the old place is kept."""
        return await self._one(
            Migration,
            post(path("/isolation/migrations/{}/rollback", migration_id), idempotency_key),
        )

    async def list_proofs(
        self, *, cursor: Maybe[str] = NOT_GIVEN, limit: Maybe[int] = NOT_GIVEN
    ) -> ProofPage:
        """A page of the proofs, the newest first."""
        return await self._one(ProofPage, get("/isolation/proofs", cursor=cursor, limit=limit))

    def list_proofs_all(
        self, *, cursor: Maybe[str] = NOT_GIVEN, limit: Maybe[int] = NOT_GIVEN
    ) -> AsyncIterator[Proof]:
        """All of them, page by page, from `cursor` on; `limit` is the size of a page."""
        return walk(lambda cursor: self.list_proofs(limit=limit, cursor=cursor), cursor)

    async def prove(self, *, idempotency_key: Optional[str] = None) -> Proof:
        """Begin a proof that nobody sees another tenant's rows."""
        return await self._one(Proof, post("/isolation/proofs", idempotency_key))

    async def get_proof(self, proof_id: str) -> FullProof:
        """One proof with its signed report."""
        return await self._one(FullProof, get(path("/isolation/proofs/{}", proof_id)))

    async def wait_for_migration(
        self, migration_id: str, *, poll_interval_ms: float = 500, timeout_ms: float = 600_000
    ) -> Migration:
        """The move once it is completed, looked at every `poll_interval_ms` milliseconds.

        MigrationFailedError when it failed or was rolled back, TenlyrTimeoutError when it is not
        done after `timeout_ms`; the move itself goes on.
        """
        wait = Wait(poll_interval_ms, timeout_ms)
        while True:
            migration = await self.get_migration(migration_id)
            if is_completed(migration):
                return migration
            await self._transport.sleep(wait.next_s())
