# Made from tenlyr/resources/tenants.py by make_sync.py: change that file, not this one.
"""Tenants: made, changed, suspended, exported, deleted. Needs an admin key."""

from typing import Iterator, Optional

from tenlyr._answers import Listing
from tenlyr._calls import NOT_GIVEN, Maybe, path
from tenlyr._enums import ExportFormat, IsolationLevel, TenantPlan, TenantStatus
from tenlyr._sync._resource import Resource, delete, get, patch, post, walk
from tenlyr._types import CreatedTenant, DashboardTenant, Tenant, TenantPage, TenantWithKey


class Tenants(Resource):
    """Tenants: made, changed, suspended, exported, deleted. Needs an admin key."""

    def create(
        self,
        *,
        name: str,
        owner_email: str,
        plan: Maybe[TenantPlan] = NOT_GIVEN,
        region: Maybe[str] = NOT_GIVEN,
        isolation_level: Maybe[IsolationLevel] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
    ) -> CreatedTenant:
        """Make a tenant. Its key comes with the answer, this once: keep it.

        - `owner_email`: Unique in the workspace, whatever its case.
        - `isolation_level`: With `dedicated_database` the tenant is born with a schema of its own,
          works at once, and moves to its database; the answer has the migration.
        """
        return self._one(
            CreatedTenant,
            post(
                "/tenants",
                idempotency_key,
                body={
                    "name": name,
                    "ownerEmail": owner_email,
                    "plan": plan,
                    "region": region,
                    "isolationLevel": isolation_level,
                },
            ),
        )

    def list(
        self,
        *,
        cursor: Maybe[str] = NOT_GIVEN,
        limit: Maybe[int] = NOT_GIVEN,
        owner_email: Maybe[str] = NOT_GIVEN,
        plan: Maybe[TenantPlan] = NOT_GIVEN,
        status: Maybe[TenantStatus] = NOT_GIVEN,
    ) -> TenantPage:
        """A page of the tenants, the newest first.

        - `owner_email`: Only the tenant with this address, whatever its case.
        """
        return self._one(
            TenantPage,
            get(
                "/tenants",
                cursor=cursor,
                limit=limit,
                ownerEmail=owner_email,
                plan=plan,
                status=status,
            ),
        )

    def list_all(
        self,
        *,
        cursor: Maybe[str] = NOT_GIVEN,
        limit: Maybe[int] = NOT_GIVEN,
        owner_email: Maybe[str] = NOT_GIVEN,
        plan: Maybe[TenantPlan] = NOT_GIVEN,
        status: Maybe[TenantStatus] = NOT_GIVEN,
    ) -> Iterator[Tenant]:
        """All of them, page by page, from `cursor` on; `limit` is the size of a page."""
        return walk(
            lambda cursor: self.list(
                limit=limit, owner_email=owner_email, plan=plan, status=status, cursor=cursor
            ),
            cursor,
        )

    def get(self, tenant_id: str) -> Tenant:
        """One tenant."""
        return self._one(Tenant, get(path("/tenants/{}", tenant_id)))

    def dashboard(
        self, *, cursor: Maybe[str] = NOT_GIVEN, limit: Maybe[int] = NOT_GIVEN
    ) -> Listing[DashboardTenant]:
        """All tenants with usage, health and money."""
        return self._many(
            DashboardTenant, get("/tenants/dashboard", cursor=cursor, limit=limit)
        )

    def dashboard_all(
        self, *, cursor: Maybe[str] = NOT_GIVEN, limit: Maybe[int] = NOT_GIVEN
    ) -> Iterator[DashboardTenant]:
        """All of them, page by page, from `cursor` on; `limit` is the size of a page."""
        return walk(lambda cursor: self.dashboard(limit=limit, cursor=cursor), cursor)

    def health(self) -> Listing[DashboardTenant]:
        """The same as `dashboard`, by its older name."""
        return self.dashboard()

    def update(
        self, tenant_id: str, *, name: Maybe[str] = NOT_GIVEN, region: Maybe[str] = NOT_GIVEN
    ) -> Tenant:
        """Change a tenant's labels."""
        return self._one(
            Tenant, patch(path("/tenants/{}", tenant_id), name=name, region=region)
        )

    def suspend(
        self,
        tenant_id: str,
        reason: Maybe[str] = NOT_GIVEN,
        *,
        idempotency_key: Optional[str] = None,
    ) -> Tenant:
        """Block a tenant: its keys are refused, its data stays.

        - `reason`: Kept in the audit trail and sent with the event.
        """
        return self._one(
            Tenant,
            post(path("/tenants/{}/suspend", tenant_id), idempotency_key, body={"reason": reason}),
        )

    def reactivate(self, tenant_id: str, *, idempotency_key: Optional[str] = None) -> Tenant:
        """Give a suspended tenant its access back."""
        return self._one(
            Tenant, post(path("/tenants/{}/reactivate", tenant_id), idempotency_key)
        )

    def terminate(self, tenant_id: str, *, idempotency_key: Optional[str] = None) -> Tenant:
        """End a tenant for good: its data stays until it is deleted."""
        return self._one(
            Tenant, post(path("/tenants/{}/terminate", tenant_id), idempotency_key)
        )

    def rotate_api_key(
        self,
        tenant_id: str,
        *,
        grace_period_seconds: Maybe[int] = NOT_GIVEN,
        idempotency_key: Optional[str] = None,
    ) -> TenantWithKey:
        """Give a tenant a new key, which comes with the answer, this once.

        - `grace_period_seconds`: How long the key before this one goes on working; 0 ends every
          older key now.
        """
        return self._one(
            TenantWithKey,
            post(
                path("/tenants/{}/rotate-key", tenant_id),
                idempotency_key,
                body={"gracePeriodSeconds": grace_period_seconds},
            ),
        )

    def change_plan(self, tenant_id: str, plan: TenantPlan) -> Tenant:
        """Put a tenant on another plan; its limits hold from now on."""
        return self._one(Tenant, patch(path("/tenants/{}/plan", tenant_id), plan=plan))

    def export(self, tenant_id: str, *, format: Maybe[ExportFormat] = NOT_GIVEN) -> bytes:
        """All that is held of a tenant, as the bytes of a file."""
        return self._file(get(path("/tenants/{}/export", tenant_id), format=format))

    def delete(self, tenant_id: str) -> None:
        """Delete a tenant and purge its data."""
        self._nothing(delete(path("/tenants/{}", tenant_id)))
