"""The end of a deleted tenant's moves: stop the one that runs, purge every place but the last.

The place where the tenant lives is not ours to purge: its rows go with the holdings, the place
with `release`.
"""

from uuid import UUID

import structlog
from django.db.models import Q, QuerySet

from apps.isolation import models
from apps.isolation.moves import capturing, claiming, links, purging, telling, undoing
from apps.isolation.moves.claiming import Claim
from apps.isolation.moves.running import ACTIVE
from tenlyr.core import tasks

log = structlog.get_logger(__name__)

Move = models.Move


def stop_moves(tenant_id: UUID, sentence: str, *, only: UUID | None = None) -> int:
    """Let the tenant's running move fail with `sentence`, inside the caller's transaction, or not
    if it is another than `only`; answers whether there was one, 1 or 0.

    The process that runs it is refused at its next note, at the flip at the latest; the next run
    tidies up. A move that has flipped goes on to its end: there is only forward.
    """
    running = Move.objects.select_for_update().filter(tenant_id=tenant_id, status__in=ACTIVE)
    running = running if only is None else running.filter(pk=only)
    stopped = list(running.filter(flipped_at=None))
    for move in stopped:
        # Higher than the runner at work: whatever that one still writes is refused.
        runner = move.detail.get("runner", 0) + 1
        move.detail = {**move.detail, "failing": sentence, "runner": runner}
        move.save(update_fields=["detail", "updated_at"])
        tasks.after_commit("isolation.run_move", str(move.id))
    return len(stopped)


def clear_moves(tenant_id: UUID) -> int | None:
    """Purge what a deleted tenant's moves left elsewhere, without waiting for the grace to end.

    Answers how many rows went, or None while a move still runs, a place cannot be reached, or
    another process is at it: then try again later. A second time does nothing.
    """
    if not _left(tenant_id).exists():
        return 0
    try:
        with claiming.alone(tenant_id) as claim:
            return _clear_all(claim)
    except claiming.Taken:
        return None
    except undoing.PASSING as error:
        log.warning("isolation.clear_delayed", tenant=str(tenant_id), reason=telling.said(error))
        return None


def _left(tenant_id: UUID) -> "QuerySet[models.Move]":
    """The moves that are not over in every way."""
    untidy = Q(status=Move.Status.FAILED, detail__isTidy=False)
    kept = Q(status__in=purging.FLIPPED, purged_at=None)
    return Move.objects.filter(Q(status__in=ACTIVE) | untidy | kept, tenant_id=tenant_id)


def _clear_all(claim: Claim) -> int | None:
    left = list(_left(claim.tenant_id).select_related("source", "target").order_by("id"))
    if any(move.status in ACTIVE for move in left):
        return None
    for move in left:
        if move.status == Move.Status.FAILED and not purging.tidy(claim, move):
            return None
    return sum(_clear(claim, move) for move in left if move.status != Move.Status.FAILED)


def _clear(claim: Claim, move: models.Move) -> int:
    rows, source = 0, move.source
    lives = models.Placement.objects.filter(pk=move.tenant_id, location=source)
    if source is not None and not lives.exists():
        with links.owner(source.alias) as owner:
            capturing.stop(owner, move.id.hex)
        rows = undoing.drop_from(claim, source)
    purging.record(move, rows)
    return rows
