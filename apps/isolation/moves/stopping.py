"""The end of a deleted tenant's moves: stop the one that runs, purge every place but the last.

The place where the tenant lives is not ours to purge: its rows go with the holdings, the place
with `release`.
"""

from uuid import UUID

import structlog

from apps.isolation import models
from apps.isolation.moves import capturing, links, purging, undoing
from apps.isolation.moves.running import ACTIVE
from tenlyr.core import tasks

log = structlog.get_logger(__name__)

Move = models.Move


def stop_moves(tenant_id: UUID, sentence: str) -> int:
    """Let the tenant's running move fail with `sentence`, inside the caller's transaction; answers
    whether there was one, 1 or 0.

    The process that runs it is refused at its next note, at the flip at the latest; the next run
    tidies up. A move that has flipped goes on to its end: there is only forward.
    """
    running = Move.objects.select_for_update().filter(tenant_id=tenant_id, status__in=ACTIVE)
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

    Answers how many rows went, or None while a move still runs or a place cannot be reached: then
    try again later. A second time does nothing.
    """
    moves = Move.objects.filter(tenant_id=tenant_id).select_related("source", "target")
    if moves.filter(status__in=ACTIVE).exists():
        return None
    try:
        for move in moves.filter(status=Move.Status.FAILED, detail__isTidy=False):
            if not undoing.tidy(move):
                return None
            Move.objects.filter(pk=move.pk).update(detail={**move.detail, "isTidy": True})
        left = moves.filter(status__in=purging.FLIPPED, purged_at=None).order_by("id")
        return sum(_clear(move) for move in left)
    except undoing.PASSING as error:
        log.warning("isolation.clear_delayed", tenant=str(tenant_id), reason=str(error).strip())
        return None


def _clear(move: models.Move) -> int:
    rows, source = 0, move.source
    lives = models.Placement.objects.filter(pk=move.tenant_id, location=source)
    if source is not None and not lives.exists():
        with links.owner(source.alias) as owner:
            capturing.stop(owner, move.id.hex)
        rows = undoing.drop_from(move.tenant_id, source)
    purging._record(move, rows)
    return rows
