"""Keeping events in the outbox."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from apps.webhooks.models import OutboxEvent
from tenlyr.core import clock, tasks
from tenlyr.core.events import Event
from tenlyr.core.registry import Holding

# A process sends one message for all its events of so many seconds; the pump sweeps besides.
KICK_S = 0.2


def keep(event: Event) -> None:
    """Write the event in the transaction at hand (E1-E4)."""
    OutboxEvent.objects.create(
        id=event.id,
        type=event.type,
        workspace_id=event.workspace_id,
        tenant_id=event.tenant_id,
        data=event.data,
        created_at=event.created_at,
    )
    tasks.after_commit("webhooks.pump", delay_s=KICK_S)


def _export(tenant_id: UUID) -> Iterator[dict[str, Any]]:
    rows = OutboxEvent.objects.filter(tenant_id=tenant_id).order_by("created_at", "id")
    for row in rows.iterator(chunk_size=500):
        yield {
            "id": row.id,
            "type": row.type,
            "createdAt": clock.iso(row.created_at),
            "data": row.data,
        }


def _purge(tenant_id: UUID) -> int:
    """Old events go; that of the deletion itself stays, so that the operator still hears of it."""
    rows = OutboxEvent.objects.filter(tenant_id=tenant_id).exclude(type="tenant.deleted")
    return rows.delete()[0]


HOLDING = Holding("events", ("webhooks_outboxevent",), _export, _purge)
