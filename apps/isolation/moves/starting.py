"""Beginning a move, and beginning the one that undoes it: part of the caller's transaction."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.isolation import models
from apps.isolation.errors import UnknownTenant
from apps.isolation.levels import Level
from apps.isolation.moves import claiming
from apps.isolation.moves.errors import MoveInProgress, MoveNotFound, NotAnUpgrade, NotUndoable
from tenlyr.core import audit, tasks
from tenlyr.core.events import EventType, emit

Move = models.Move
UPWARD = list(Level)


@transaction.atomic
def start_move(
    *,
    workspace_id: UUID,
    tenant_id: UUID,
    target: Level,
    driver: str = "",
    is_support: bool = False,
) -> models.Move:
    """Let the tenant move to `target`; the work begins after the commit (A19-A22, B17).

    Raises `NotAnUpgrade` unless `is_support` lets it go down, `MoveInProgress`, `UnknownTenant`.
    """
    placement = _claimed(tenant_id)
    steps = UPWARD.index(target) - UPWARD.index(Level(placement.level))
    if steps == 0 or (steps < 0 and not is_support):
        raise NotAnUpgrade
    return _begin(
        placement,
        workspace_id,
        target,
        driver=driver if target is Level.DEDICATED_DATABASE else "",
        detail={"isSupport": is_support},
    )


@transaction.atomic
def rollback_move(*, workspace_id: UUID, move_id: UUID) -> models.Move:
    """Let the tenant go back to where this move took it from. Raises `NotUndoable`,
    `MoveInProgress`.
    """
    placement = _claimed(get_move(workspace_id, move_id).tenant_id)
    move = get_move(workspace_id, move_id)  # as it is, now that nobody purges its source
    newest = Move.objects.filter(tenant_id=move.tenant_id, flipped_at__isnull=False)
    is_newest = newest.order_by("-flipped_at").values_list("pk", flat=True).first() == move.pk
    is_there = placement.location_id == move.target_id
    is_kept = move.status == Move.Status.COMPLETED and not move.purged_at
    if not (is_kept and is_newest and is_there) or is_restore(move):
        raise NotUndoable
    return _begin(
        placement, move.workspace_id, Level(move.from_level), is_rollback=True, undoes=move
    )


@transaction.atomic
def start_restore(
    *,
    move_id: UUID,
    workspace_id: UUID,
    tenant_id: UUID,
    driver: str,
    backup: dict[str, Any],
) -> models.Move:
    """Let the tenant go to a new place of its level, which the caller fills from a backup: no
    worker can. Raises `MoveInProgress`, `UnknownTenant`.
    """
    placement = _claimed(tenant_id)
    level = Level(placement.level)
    detail = {"restores": backup}
    return _begin(placement, workspace_id, level, id=move_id, driver=driver, detail=detail)


def is_restore(move: models.Move) -> bool:
    """Whether the move's rows come out of a backup."""
    return "restores" in move.detail


def get_move(workspace_id: UUID, move_id: UUID) -> models.Move:
    """A move of the workspace; raises `MoveNotFound`."""
    move = Move.objects.filter(pk=move_id, workspace_id=workspace_id).first()
    if move is None:
        raise MoveNotFound
    return move


def payload(move: models.Move) -> dict[str, Any]:
    """What the events of a move say (E7)."""
    return {
        "migrationId": str(move.id),
        "tenantId": str(move.tenant_id),
        "fromLevel": move.from_level,
        "toLevel": move.to_level,
    }


def _claimed(tenant_id: UUID) -> models.Placement:
    """Where the tenant is; nothing is removed from its other places before the transaction ends."""
    claiming.begin(tenant_id)
    placement = models.Placement.objects.filter(pk=tenant_id).first()
    if placement is None:
        raise UnknownTenant(str(tenant_id))
    return placement


def _begin(
    placement: models.Placement, workspace_id: UUID, target: Level, **fields: Any
) -> models.Move:
    try:
        with transaction.atomic():
            move = Move.objects.create(
                tenant_id=placement.tenant_id,
                workspace_id=workspace_id,
                from_level=placement.level,
                to_level=target,
                source_id=placement.location_id,
                **fields,
            )
    except IntegrityError:
        raise MoveInProgress from None
    emit(
        EventType.MIGRATION_STARTED,
        workspace_id=workspace_id,
        tenant_id=placement.tenant_id,
        data=payload(move),
    )
    if not is_restore(move):
        tasks.after_commit("isolation.run_move", str(move.id))
    audit.record(
        "isolation.restore_started" if is_restore(move) else "isolation.move_started",
        workspace_id=workspace_id,
        tenant_id=placement.tenant_id,
        target=str(move.id),
        from_level=move.from_level,
        to_level=move.to_level,
        is_rollback=move.is_rollback,
        **move.detail.get("restores", {}),
    )
    return move
