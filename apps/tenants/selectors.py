"""Reads of tenants, always of one workspace: another's is as unknown as one that never was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from apps.isolation import public as isolation
from apps.tenants.emails import key_of
from apps.tenants.errors import TenantNotFound
from apps.tenants.models import DeletionCertificate, Tenant
from apps.tenants.plans import TenantPlan
from apps.tenants.states import Status
from tenlyr.core import paging
from tenlyr.core.paging import Page

# What a tenant is to anybody who looks at it (A9).
SHOWN = (
    "id",
    "name",
    "owner_email",
    "plan",
    "status",
    "region",
    "isolation_level",
    "api_key_prefix",
    "last_active_at",
    "created_at",
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tenants of a workspace are listed; what is None does not narrow."""

    owner_email: str | None = None
    status: Status | None = None
    plan: TenantPlan | None = None


def get(workspace_id: UUID, tenant_id: UUID) -> Tenant:
    """One tenant with its isolation level; raises `TenantNotFound`."""
    tenant = _of(workspace_id).filter(pk=tenant_id).first()
    if tenant is None:
        raise TenantNotFound()
    return placed([tenant])[0]


def limit_rpm(workspace_id: UUID, tenant_id: UUID) -> int:
    """The tenant's throttle, 0 for none; raises `TenantNotFound`."""
    found: Any = Tenant.objects.filter(workspace_id=workspace_id, pk=tenant_id)
    row = found.values_list("limit_rpm").first()
    if row is None:
        raise TenantNotFound()
    return row[0] or 0


def locked(workspace_id: UUID, tenant_id: UUID) -> Tenant:
    """One tenant, locked until the transaction ends; raises `TenantNotFound`."""
    # Without a join: after a wait Postgres checks the join again with the new tenant and the old
    # plan, and a tenant whose plan was just changed would be no row at all.
    rows = Tenant.objects.select_for_update().filter(workspace_id=workspace_id)
    tenant = rows.filter(pk=tenant_id).first()
    if tenant is None:
        raise TenantNotFound()
    return tenant


def page(workspace_id: UUID, which: Filter, *, route: str, limit: int, cursor: str | None) -> Page:
    """A page of tenants, newest first; raises `InvalidCursor` for another list's cursor (B2)."""
    place = f"{route}|{workspace_id}|{which!r}"
    found = paging.newest_first(
        _narrowed(_of(workspace_id), which), place=place, limit=limit, cursor=cursor
    )
    return Page(placed(found.rows), found.next_cursor)


def count(workspace_id: UUID) -> int:
    """How many tenants the workspace has."""
    return Tenant.objects.filter(workspace_id=workspace_id).count()


def workspace_of(tenant_id: UUID) -> UUID | None:
    """The workspace of a tenant, of one that is being purged too; None for any other."""
    rows: Any = Tenant.objects.filter(pk=tenant_id).values_list("workspace_id", flat=True)
    gone: Any = DeletionCertificate.objects.filter(pk=tenant_id)
    return rows.first() or gone.values_list("workspace_id", flat=True).first()


def names(tenant_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The names of tenants, for people; unknown ones are absent."""
    rows = Tenant.objects.filter(pk__in=list(tenant_ids))
    return dict(rows.values_list("id", "name"))


def after(last: UUID | None, most: int) -> list[tuple[UUID, UUID, bool]]:
    """The next tenants of the whole installation in the order of their ids: id, workspace, and
    whether it is active. Begins with None; an empty answer is the end.
    """
    rows = Tenant.objects.order_by("id")
    if last is not None:
        rows = rows.filter(id__gt=last)
    return [
        (tenant_id, workspace_id, status == Status.ACTIVE)
        for tenant_id, workspace_id, status in rows.values_list("id", "workspace_id", "status")[
            :most
        ]
    ]


def workspaces_of(tenant_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """The workspace of each tenant that is there; a deleted one is absent."""
    rows = Tenant.objects.filter(pk__in=list(tenant_ids))
    return dict(rows.values_list("id", "workspace_id"))


def is_active(tenant_id: UUID) -> bool:
    """Whether the tenant is there and may work."""
    return Tenant.objects.filter(pk=tenant_id, status=Status.ACTIVE).exists()


def id_by_email(workspace_id: UUID, owner_email: str) -> UUID | None:
    """The tenant that has the address, in the form in which addresses are compared."""
    rows = Tenant.objects.filter(workspace_id=workspace_id, email_key=key_of(owner_email))
    return rows.values_list("id", flat=True).first()


def describe(tenant: Tenant) -> dict[str, Any]:
    """A placed tenant as plain values, in Python's casing (A9)."""
    return {name: getattr(tenant, name) for name in SHOWN}


def placed(tenants: Iterable[Tenant]) -> Sequence[Tenant]:
    """The same tenants, each with its isolation level, in one query."""
    rows = list(tenants)
    levels = isolation.level_of([tenant.id for tenant in rows])
    for tenant in rows:
        tenant.isolation_level = levels[tenant.id]
    return rows


def _of(workspace_id: UUID) -> "QuerySet[Tenant]":
    return Tenant.objects.select_related("plan_version").filter(workspace_id=workspace_id)


def _narrowed(rows: "QuerySet[Tenant]", which: Filter) -> "QuerySet[Tenant]":
    if which.owner_email is not None:
        rows = rows.filter(email_key=key_of(which.owner_email))
    if which.status is not None:
        rows = rows.filter(status=which.status)
    if which.plan is not None:
        rows = rows.filter(plan_version__name=which.plan)
    return rows
