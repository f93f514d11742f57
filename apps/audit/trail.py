"""Writing to the trail and checking it. The app's role may append through a function, and no
more.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, connections

from apps.audit.models import AuditEntry
from tenlyr.core import clock
from tenlyr.core.audit import Entry
from tenlyr.core.registry import Holding


def keep(entry: Entry) -> None:
    """Append an entry in the transaction at hand."""
    actor = entry.actor
    body = {
        "action": entry.action,
        "target": entry.target,
        "result": entry.result,
        "reason": entry.reason,
        "details": entry.details,
        "actorType": actor.actor_type,
        "actorId": actor.actor_id,
        "address": actor.address,
        "userAgent": actor.user_agent,
        "requestId": actor.request_id,
    }
    with connections[entry.using].cursor() as cursor:
        cursor.execute(
            "SELECT audit_add(%s, %s, %s::jsonb)",
            [entry.workspace_id, entry.tenant_id, orjson.dumps(body, default=str).decode()],
        )


def first_break(workspace_id: UUID) -> int | None:
    """The number of the first entry that was changed, or None when the chain is whole."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_first_break(%s)", [workspace_id])
        found: int | None = cursor.fetchone()[0]
    return found


def _export(tenant_id: UUID) -> Iterator[dict[str, Any]]:
    rows = AuditEntry.objects.filter(tenant_id=tenant_id).order_by("id")
    for row in rows.iterator(chunk_size=500):
        yield {"seq": row.seq, "at": clock.iso(row.at), **row.body}


def _keep_all(_tenant_id: UUID) -> int:
    """The trail of a deleted tenant is evidence and stays; it names the tenant by id only."""
    return 0


HOLDING = Holding("audit", ("audit_auditentry",), _export, _keep_all)
