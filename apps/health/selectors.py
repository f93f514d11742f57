"""Reads of health, always of one workspace or of tenants that the caller may see."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count

from apps.health.models import Current, Progress
from apps.health.statuses import Health, Overview, Status
from apps.tenants import public as tenants
from apps.tenants.public import Filter, Tenant
from tenlyr.core.paging import Page

ROUTE = "health"


@dataclass(frozen=True, slots=True)
class TenantHealth:
    """A tenant and how it is."""

    tenant: Tenant
    health: Health


def statuses(tenant_ids: Iterable[UUID]) -> Mapping[UUID, Health]:
    """How each of the tenants is; one without a row is `unknown`. Two queries."""
    wanted = list(tenant_ids)
    checked_at = last_scan()
    rows = Current.objects.filter(tenant_id__in=wanted)
    found = {row.tenant_id: _health(row, checked_at) for row in rows}
    return {one: found.get(one) or Health(one, checked_at=checked_at) for one in wanted}


def of(workspace_id: UUID, tenant_id: UUID) -> TenantHealth:
    """One tenant; raises `TenantNotFound`."""
    tenant = tenants.get(workspace_id, tenant_id)
    return TenantHealth(tenant, statuses([tenant_id])[tenant_id])


def page(workspace_id: UUID, *, limit: int, cursor: str | None) -> Page:
    """A page of `TenantHealth`, newest tenant first; raises `InvalidCursor`."""
    found = tenants.page(workspace_id, Filter(), route=ROUTE, limit=limit, cursor=cursor)
    return Page(list(_with_health(found.rows)), found.next_cursor)


def overview(workspace_id: UUID) -> Overview:
    """The workspace's tenants by status (B20)."""
    total = tenants.count(workspace_id)
    counted: dict[str, Any] = {}
    rows = Current.objects.filter(workspace_id=workspace_id)
    for row in rows.values("status").annotate(count=Count("pk")):
        counted[row["status"]] = row["count"]
    known = {one: counted.get(one, 0) for one in Status if one is not Status.UNKNOWN}
    mean = rows.aggregate(mean=Avg("error_rate"))["mean"]
    return Overview(
        total=total,
        healthy=known[Status.HEALTHY],
        warning=known[Status.WARNING],
        critical=known[Status.CRITICAL],
        unknown=max(0, total - sum(known.values())),
        avg_error_rate=round(float(mean or 0), 1),
    )


def last_scan() -> datetime | None:
    """When the fleet was last looked at."""
    moments = Progress.objects.filter(scanned_at__isnull=False)
    return moments.order_by("-scanned_at").values_list("scanned_at", flat=True).first()


def _with_health(rows: Iterable[Tenant]) -> Iterator[TenantHealth]:
    listed = list(rows)
    found = statuses([tenant.id for tenant in listed])
    for tenant in listed:
        yield TenantHealth(tenant, found[tenant.id])


def _health(row: Current, checked_at: datetime | None) -> Health:
    return Health(
        tenant_id=row.tenant_id,
        status=Status(row.status),
        error_rate=None if row.error_rate is None else float(row.error_rate),
        request_rate=row.request_rate,
        p50_ms=row.p50_ms,
        p95_ms=row.p95_ms,
        is_noisy=row.is_noisy,
        checked_at=checked_at,
        since=row.since,
    )
