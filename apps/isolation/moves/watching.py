"""Reads: moves for people and for the sweep."""

from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from apps.isolation import models
from apps.isolation.moves.links import key_of
from apps.isolation.moves.running import ACTIVE

Move = models.Move
HELD = """
SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32 | objid::bigint) = %(key)s
"""


def moves_of(workspace_id: UUID, tenant_id: UUID | None = None) -> "QuerySet[models.Move]":
    """The workspace's moves, or one tenant's, newest first; the caller pages."""
    rows = Move.objects.filter(workspace_id=workspace_id).order_by("-id")
    return rows if tenant_id is None else rows.filter(tenant_id=tenant_id)


def is_moving(tenant_id: UUID) -> bool:
    """Whether a move of the tenant is under way."""
    return Move.objects.filter(tenant_id=tenant_id, status__in=ACTIVE).exists()


def abandoned() -> list[UUID]:
    """Moves under way that nobody runs: their worker died, or their task was lost."""
    running = Move.objects.filter(status__in=ACTIVE).values_list("pk", flat=True)
    return [move_id for move_id in running if is_abandoned(move_id)]


def is_abandoned(move_id: UUID) -> bool:
    """Whether no process runs the move now."""
    return not is_held(key_of(move_id))


def is_held(key: int) -> bool:
    """Whether a session of the control plane's database holds the advisory lock."""
    # Looked at and not taken: a runner that tries in this moment must not find it gone.
    with connection.cursor() as cursor:
        cursor.execute(HELD, {"key": key})
        return cursor.fetchone() is not None


def remaining_s(move: models.Move) -> float | None:
    """Estimate of the copy's rest in seconds; None while nothing is known."""
    if move.rows_per_s <= 0:
        return None
    return max(move.rows_total - move.rows_done, 0) / move.rows_per_s
