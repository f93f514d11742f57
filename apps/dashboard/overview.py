"""One row per tenant with everything about it side by side: identity, usage, health, money (B1)."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from apps.health import public as health
from apps.health.public import Health
from apps.metering import public as metering
from apps.tenants import public as tenants
from apps.tenants.public import Filter, Limits, Tenant
from tenlyr.core.metrics import Metric, from_counter
from tenlyr.core.paging import Page

ROUTE = "dashboard"
# Every field is always there: billing is not, and nothing is known of it yet.
NO_BILLING = {"mrr_cents": 0, "usage_cost_cents": 0}
USED = {
    Metric.API_CALL: "api_calls",
    Metric.STORAGE_GB: "storage_gb",
    Metric.SEATS: "seats",
    Metric.COMPUTE: "compute",
}
LIMIT = {
    Metric.API_CALL: "api_call_limit",
    Metric.STORAGE_GB: "storage_gb_limit",
    Metric.SEATS: "seats_limit",
    Metric.COMPUTE: "compute_limit",
}


def page(workspace_id: UUID, *, limit: int, cursor: str | None) -> Page:
    """A page of rows, newest tenant first, in a number of queries that does not grow with it."""
    found = tenants.page(workspace_id, Filter(), route=ROUTE, limit=limit, cursor=cursor)
    return Page(rows(found.rows), found.next_cursor)


def rows(shown: Iterable[Tenant]) -> list[dict[str, Any]]:
    """The row of each tenant."""
    listed = list(shown)
    ids = [tenant.id for tenant in listed]
    totals, limits = metering.totals(ids), tenants.limits_by_tenant(ids)
    healths = health.statuses(ids)
    return [
        _row(one, totals.get(one.id, {}), limits.get(one.id, {}), healths[one.id]) for one in listed
    ]


def _row(tenant: Tenant, used: Mapping[Metric, int], limits: Limits, now: Health) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "name": tenant.name,
        "owner_email": tenant.owner_email,
        "plan": tenant.plan,
        "status": tenant.status,
        "region": tenant.region,
        "isolation_level": tenant.isolation_level,
        **{name: from_counter(metric, used.get(metric, 0)) for metric, name in USED.items()},
        **{
            name: limits[metric].most if metric in limits else None
            for metric, name in LIMIT.items()
        },
        "rate_limit": tenant.limit_rpm,
        "error_rate": now.error_rate,
        "request_rate": now.request_rate,
        "sla_risk": now.sla_risk,
        "health_status": now.status.value,
        **NO_BILLING,
    }
