"""The flip and the end of a move: transactions of the control plane, which alone is the truth."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F

from apps.isolation import models, placements
from apps.isolation.moves.errors import MoveFailed, Superseded
from apps.isolation.moves.journey import Journey
from apps.isolation.moves.starting import payload
from tenlyr.core import audit, clock, epochs
from tenlyr.core.events import EventType, emit

Move = models.Move


def commit(journey: Journey, attempt: int) -> None:
    """The tenant lives at the target from this commit on. Raises `Superseded` or `MoveFailed`."""
    move = journey.move
    with transaction.atomic():
        row = Move.objects.select_for_update().get(pk=move.pk)
        if row.status != Move.Status.IN_PROGRESS or row.detail.get("runner") != journey.runner:
            raise Superseded
        here = models.Placement.objects.filter(
            pk=move.tenant_id, location=journey.source.id, epoch=journey.epoch
        )
        if not here.update(location=journey.arrival.id, level=move.to_level, epoch=F("epoch") + 1):
            raise MoveFailed("The tenant was deleted during the migration.")
        epochs.raise_epoch(move.tenant_id)
        journey.note(flipped_at=clock.now(), step="flip", fences=attempt)
    placements.forget(move.tenant_id)


def complete(journey: Journey) -> None:
    """The end of the journey: record, event and audit entry, together and once."""
    now = clock.now()
    grace = timedelta(days=settings.MOVE_GRACE_DAYS)
    _end(
        journey.move,
        EventType.MIGRATION_COMPLETED,
        "isolation.move_completed",
        status=Move.Status.COMPLETED,
        finished_at=now,
        purge_after=now + grace,
    )


def fail(move: models.Move, sentence: str) -> None:
    """The end of a move that did not come about."""
    _end(
        move,
        EventType.MIGRATION_FAILED,
        "isolation.move_failed",
        status=Move.Status.FAILED,
        finished_at=clock.now(),
        error=sentence,
    )


def fail_untold(move: models.Move, sentence: str) -> None:
    """The same on the row alone, where telling it fails again and again."""
    Move.objects.filter(pk=move.pk, status=Move.Status.IN_PROGRESS).update(
        status=Move.Status.FAILED,
        finished_at=clock.now(),
        error=sentence,
        updated_at=clock.now(),
    )


def _end(move: models.Move, event: EventType, action: str, **fields: Any) -> None:
    with transaction.atomic():
        running = Move.objects.filter(
            pk=move.pk, status__in=[Move.Status.PENDING, Move.Status.IN_PROGRESS]
        )
        if not running.update(**fields, updated_at=clock.now()):
            return
        if fields["status"] == Move.Status.COMPLETED and move.undoes_id:
            _undo(move.undoes_id, move)
        more = {"error": fields["error"]} if "error" in fields else {}
        emit(
            event,
            workspace_id=move.workspace_id,
            tenant_id=move.tenant_id,
            data={**payload(move), **more},
        )
        audit.record(
            action,
            workspace_id=move.workspace_id,
            tenant_id=move.tenant_id,
            target=str(move.id),
            result="failed" if more else "ok",
            **more,
        )
    for name, given in fields.items():
        setattr(move, name, given)


def _undo(undone_id: UUID, move: models.Move) -> None:
    """Note on the move that was rolled back that it is. Where the tenant came back to its very
    place, nothing is left to purge; a place of its own was made anew, and the old one is due.
    """
    undone = Move.objects.filter(pk=undone_id)
    undone.update(status=Move.Status.ROLLED_BACK)
    undone.filter(source_id=move.target_id).update(purged_at=clock.now())
