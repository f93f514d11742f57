"""Reads: moves for people and for the sweep."""

from uuid import UUID

from django.db.models import QuerySet

from apps.isolation import models
from apps.isolation.moves.links import Liveness
from apps.isolation.moves.running import ACTIVE

Move = models.Move


def moves_of(workspace_id: UUID, tenant_id: UUID | None = None) -> "QuerySet[models.Move]":
    """The workspace's moves, or one tenant's, newest first; the caller pages."""
    rows = Move.objects.filter(workspace_id=workspace_id).order_by("-id")
    return rows if tenant_id is None else rows.filter(tenant_id=tenant_id)


def is_moving(tenant_id: UUID) -> bool:
    """Whether a move of the tenant is under way."""
    return Move.objects.filter(tenant_id=tenant_id, status__in=ACTIVE).exists()


def abandoned() -> list[UUID]:
    """Moves under way that nobody runs: their worker died, or their task was lost."""
    found = []
    for move_id in Move.objects.filter(status__in=ACTIVE).values_list("pk", flat=True):
        liveness = Liveness(move_id)
        if liveness.take():
            liveness.leave()
            found.append(move_id)
    return found


def remaining_s(move: models.Move) -> float | None:
    """Estimate of the copy's rest in seconds; None while nothing is known."""
    if move.rows_per_s <= 0:
        return None
    return max(move.rows_total - move.rows_done, 0) / move.rows_per_s
