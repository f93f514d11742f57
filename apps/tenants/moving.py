"""Moving a tenant between levels of isolation: who may be moved, and what is told of a move.

How rows travel is isolation's to know. On the wire a move is an IsolationMigration (B17-B19).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.isolation import public as isolation
from apps.isolation.public import Level, Move
from apps.tenants import catalogue, selectors
from apps.tenants.errors import MoveNotStoppable, TenantNotMovable
from apps.tenants.models import Tenant
from apps.tenants.states import Status
from tenlyr.core import audit, paging
from tenlyr.core.api import wire
from tenlyr.core.paging import Page
from tenlyr.core.registry import Holding

MOVABLE = frozenset({Status.ACTIVE, Status.SUSPENDED})
STOPPED = "It was stopped by an operator."


@dataclass(frozen=True, slots=True)
class Filter:
    """Which moves of a workspace are listed; what is None does not narrow."""

    tenant_id: UUID | None = None
    status: str | None = None


def start(
    *,
    workspace_id: UUID,
    tenant_id: UUID,
    target: Level,
    driver: str = "",
    is_support: bool = False,
) -> Move:
    """Begin to move a tenant to `target`; the work itself starts after the commit.

    Raises `TenantNotFound` (404), `LevelNotInPlan` (403, not for support), and 400 as X62 has it:
    `TenantNotMovable` for one that is pending or terminated, `NotAnUpgrade` for the level it has or
    one below (support may go down), and `MoveInProgress` for a second move.
    """
    with transaction.atomic():
        tenant = _movable(workspace_id, tenant_id)
        if not is_support:
            catalogue.check_level(tenant.plan_version, target)
        return isolation.start_move(
            workspace_id=workspace_id,
            tenant_id=tenant_id,
            target=target,
            driver=driver,
            is_support=is_support,
        )


def roll_back(*, workspace_id: UUID, move_id: UUID) -> Move:
    """Begin to move a tenant back to where a completed move took it from; answers the new move.

    Raises `MoveNotFound` (404), `TenantNotMovable`, `MoveInProgress` and, once the old place
    was purged or after another move, `NotUndoable` (all 400).
    """
    with transaction.atomic():
        move = get(workspace_id, move_id)
        _movable(workspace_id, move.tenant_id)
        return isolation.rollback_move(workspace_id=workspace_id, move_id=move.id)


def stop(*, workspace_id: UUID, move_id: UUID) -> None:
    """Let a move fail that has not flipped yet: a matter of support, not of the API.

    Raises `MoveNotFound`, and `MoveNotStoppable` for one that ended or flipped.
    """
    with transaction.atomic():
        move = get(workspace_id, move_id)
        is_running = move.status in {"pending", "in_progress"}
        if not is_running or not isolation.stop_moves(move.tenant_id, STOPPED, only=move.id):
            raise MoveNotStoppable
        audit.record(
            "isolation.move_stopped",
            workspace_id=workspace_id,
            tenant_id=move.tenant_id,
            target=str(move.id),
        )


def get(workspace_id: UUID, move_id: UUID, *, tenant_id: UUID | None = None) -> Move:
    """One move, of `tenant_id` only where one is named; raises `MoveNotFound`."""
    move = isolation.get_move(workspace_id, move_id)
    if tenant_id not in {None, move.tenant_id}:
        raise isolation.MoveNotFound
    return move


def newest(tenant: Tenant) -> Move:
    """The tenant's newest move; one that never moved has none."""
    return isolation.moves_of(tenant.workspace_id, tenant.id)[:1].get()


def page(workspace_id: UUID, which: Filter, *, limit: int, cursor: str | None) -> Page:
    """A page of moves, newest first; raises `InvalidCursor` for another list's cursor (B19)."""
    rows = isolation.moves_of(workspace_id, which.tenant_id)
    if which.status is not None:
        rows = rows.filter(status=which.status)
    place = f"moves|{workspace_id}|{which!r}"
    return paging.newest_first(rows, place=place, limit=limit, cursor=cursor)


def describe(move: Move, *, is_admin: bool = False) -> dict[str, Any]:
    """A move as anybody sees it who may see it, in Python's casing (B17).

    Why it failed is told in full to `is_admin` only: it may name servers.
    """
    return describe_all([move], is_admin=is_admin)[0]


def describe_all(moves: Iterable[Move], *, is_admin: bool = False) -> list[dict[str, Any]]:
    """The same of several, with one look at what was given to them."""
    rows = list(moves)
    provided = isolation.provided_to(rows)
    return [
        {
            **_described(move),
            "error": (isolation.why_failed(move) if is_admin else move.error) or None,
            "provided": provided.get(move.id),
        }
        for move in rows
    ]


def _described(move: Move) -> dict[str, Any]:
    return {
        "id": move.id,
        "tenant_id": move.tenant_id,
        "from_level": move.from_level,
        "to_level": move.to_level,
        "status": move.status,
        "created_at": move.created_at,
        "started_at": move.started_at,
        "flipped_at": move.flipped_at,
        "finished_at": move.finished_at,
        "rollback_until": _rollback_until(move),
        "rollback_of": move.undoes_id,
        "progress": {
            "step": move.step or None,
            "rows_done": move.rows_done,
            "rows_total": move.rows_total,
            "rows_per_second": round(move.rows_per_s, 1),
            "estimated_seconds_left": _seconds_left(move),
        },
    }


def _export(tenant_id: UUID) -> Iterator[dict[str, Any]]:
    """What a tenant takes along of its moves: everything but how a finished copy once stood."""
    rows = Move.objects.filter(tenant_id=tenant_id).order_by("created_at", "id")
    for shown in describe_all(rows):
        shown.pop("progress")
        yield wire.camel_keys(shown)


def _keep_all(_tenant_id: UUID) -> int:
    """Levels, times and counts of moves stay, like the trail; of the tenant's there is nothing."""
    return 0


HOLDING = Holding("migrations", ("isolation_move",), _export, _keep_all)


def _movable(workspace_id: UUID, tenant_id: UUID) -> Tenant:
    # Locked: a tenant that is ended or deleted at the same moment is not moved after it.
    tenant = selectors.locked(workspace_id, tenant_id)
    if Status(tenant.status) not in MOVABLE:
        raise TenantNotMovable(internal=tenant.status)
    return tenant


def _rollback_until(move: Move) -> datetime | None:
    """Until when the old place is kept; None where there is no way back."""
    is_kept = move.status == "completed" and move.purged_at is None
    is_way_back = not (move.is_rollback or isolation.is_restore(move))
    return move.purge_after if is_kept and is_way_back else None


def _seconds_left(move: Move) -> int | None:
    """Of copying, at the rate so far; None before there is a rate and after the end."""
    left = isolation.remaining_s(move) if move.finished_at is None else None
    return None if left is None else round(left)
