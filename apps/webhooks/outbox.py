"""Keeping events in the outbox, for as long as they can be replayed."""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

import structlog

from apps.webhooks import partitions, statements
from apps.webhooks.models import OutboxEvent
from tenlyr.core import clock, ids, tasks
from tenlyr.core.events import Audience, Event
from tenlyr.core.registry import Holding

log = structlog.get_logger(__name__)

# A process sends one message for all its events of so many seconds; the pump sweeps besides.
KICK_S = 0.2
# Rows that one statement removes: nobody waits for it.
CHUNK = 2_000
# One walk along the key, which is in the order of time.
DROP = """
WITH gone AS (
    DELETE FROM webhooks_outboxevent WHERE id IN (
        SELECT id FROM webhooks_outboxevent
        WHERE id > %(after)s AND id < %(until)s AND created_at < %(moment)s AND is_fanned_out
        ORDER BY id LIMIT %(most)s)
    RETURNING id)
SELECT count(*), max(id) FROM gone
"""


def keep(event: Event) -> None:
    """Write the event in the transaction at hand (E1-E4)."""
    OutboxEvent.objects.create(
        id=event.id,
        type=event.type,
        workspace_id=event.workspace_id,
        tenant_id=event.tenant_id,
        data=event.data,
        created_at=event.created_at,
        is_for_operators=event.audience is Audience.OPERATORS,
    )
    tasks.after_commit("webhooks.pump", delay_s=KICK_S)


def drop_expired(now: datetime | None = None) -> int:
    """Remove events of months that the log has none of any more; answers how many.

    They can be replayed no longer. One that has no deliveries yet stays, however old it is.
    """
    moment = datetime.combine(partitions.kept_since(now), time(), UTC)
    given = {"after": "", "until": ids.event_ids_from(moment), "moment": moment, "most": CHUNK}
    dropped = CHUNK
    total = 0
    while dropped == CHUNK:
        [(dropped, given["after"])] = statements.rows(DROP, given)
        total += dropped
    log.info("webhooks.events_expired", events=total)
    return total


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
