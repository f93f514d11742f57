"""A tenant's health, to take away and to purge (R17, A14, B12)."""

from collections.abc import Iterator
from uuid import UUID

from apps.health.models import Current, History
from tenlyr.core import clock
from tenlyr.core.registry import Holding, Row


def export(tenant_id: UUID) -> Iterator[Row]:
    """The history, oldest first."""
    rows = History.objects.filter(tenant_id=tenant_id).order_by("at", "kind")
    for row in rows.iterator(chunk_size=500):
        yield {
            "at": clock.iso(row.at),
            "kind": row.kind,
            "status": row.status,
            "errorRate": None if row.error_rate is None else float(row.error_rate),
            "requestRate": row.request_rate,
            "events": row.events,
            "requests": row.requests,
            "p50Ms": row.p50_ms,
            "p95Ms": row.p95_ms,
        }


def purge(tenant_id: UUID) -> int:
    """Remove what is known of the tenant; answers how many rows went."""
    gone = Current.objects.filter(tenant_id=tenant_id).delete()[0]
    return gone + History.objects.filter(tenant_id=tenant_id).delete()[0]


HOLDING = Holding("health", ("health_current", "health_history"), export, purge)
