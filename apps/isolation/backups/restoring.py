"""A restore is a move whose rows come out of a file: a place beside, filled and proven, and one
flip (ADR-0005).

Parts that are not restored move along as in any move. Without its file nobody can go on: a restore
whose process died before the flip is ended, and leaves the tenant as it was.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.db import transaction

from apps.isolation import models
from apps.isolation.backups import loading, reading, subject
from apps.isolation.backups.errors import BackupFailed
from apps.isolation.backups.manifest import Manifest
from apps.isolation.backups.reading import Backup
from apps.isolation.moves import (
    capturing,
    copying,
    preflight,
    preparing,
    running,
    starting,
    verifying,
    watching,
)
from apps.isolation.moves.errors import MoveInProgress
from apps.isolation.moves.journey import Journey
from apps.isolation.moves.links import Links, Liveness
from apps.isolation.parts import parts
from apps.isolation.placements import Placement
from tenlyr.core.ids import uuid7

Move = models.Move
VersionsOf = Callable[[UUID], Mapping[str, str]]
DEAD_S = 15.0


@contextmanager
def opened(path: Path, tenant_id: UUID | None, versions: VersionsOf) -> Iterator[Backup]:
    """A backup that can be restored now: whole, of this tenant, of the versions it has now.

    Raises `BackupFailed`; nothing was changed.
    """
    with reading.opened(path) as backup:
        found = backup.manifest
        if tenant_id not in {None, found.tenant_id}:
            raise BackupFailed(f"The backup is of another tenant: {found.tenant_id}.")
        placed = subject.placement_of(found.tenant_id)
        _same_versions(found, placed, versions(found.tenant_id))
        yield backup


def restore(
    backup: Backup,
    names: frozenset[str],
    *,
    check: Callable[[], object],
    on_progress: running.OnProgress = lambda move: None,
) -> models.Move:
    """Put the tenant into a new place with the backup's rows of the parts in `names`, and with
    the present rows of all others; answers the finished move.

    `check` runs inside the transaction that begins it, and may refuse. The old place is kept
    for the grace, closed. Raises `BackupFailed` and `MoveInProgress`.
    """
    found = backup.manifest
    _end_the_dead(found.tenant_id)
    move_id = uuid7()
    liveness = Liveness(move_id)
    # Held before the row can be seen: no sweep takes it for one that was left.
    liveness.take()
    try:
        with transaction.atomic():
            check()
            placed = subject.placement_of(found.tenant_id)
            starting.start_restore(
                move_id=move_id,
                workspace_id=found.workspace_id,
                tenant_id=found.tenant_id,
                driver=_driver(placed),
                backup={"id": found.id, "takenAt": found.taken_at, "parts": sorted(names)},
            )
        running.run_held(move_id, liveness, _steps(backup, names), on_progress=on_progress)
        # Where that stumbled: to the end after the flip, back before it.
        running.run_held(move_id, liveness, on_progress=on_progress)
    finally:
        liveness.leave()
    return Move.objects.get(pk=move_id)


def _steps(backup: Backup, names: frozenset[str]) -> dict[str, running.Step]:
    """A move's, but that the parts of the file are neither captured nor copied."""
    others = frozenset(part.name for part in parts()) - names

    def narrowed(step: running.Step) -> running.Step:
        def run(journey: Journey) -> None:
            with journey.of_parts(others):
                step(journey)

        return run

    return {
        "place": preparing.place,
        "preflight": preflight.check,
        "prepare": preparing.prepare,
        "capture": narrowed(capturing.start),
        "copy": narrowed(copying.copy_all),
        "load": lambda journey: loading.load(journey, backup, names),
        "catch_up": narrowed(verifying.catch_up),
        "verify": narrowed(verifying.verify),
        **{name: running.STEPS[name] for name in ("flip", "leave", "settle")},
    }


def _same_versions(found: Manifest, placed: Placement, versions: Mapping[str, str]) -> None:
    with Links(placed.location, None) as links:
        now = subject.versions_at(links, placed.location, versions)
    for what in sorted(now.keys() | found.versions.keys()):
        then, present = found.versions.get(what, "none"), now.get(what, "none")
        if then != present:
            raise BackupFailed(
                f"The backup was taken with {what} {then}, the tenant has {what} {present} now:"
                " restore it where the versions are the same, and bring the rows over by hand."
            )


def _driver(placed: Placement) -> str:
    row = models.Database.objects.filter(pk=placed.location.alias).first()
    return row.driver if row else ""


def _end_the_dead(tenant_id: UUID) -> None:
    """A restore whose process died is ended here, so that another can begin at once."""
    deadline = time.monotonic() + DEAD_S
    while True:
        move = Move.objects.filter(tenant_id=tenant_id, status__in=running.ACTIVE).first()
        if move is None:
            return
        if not starting.is_restore(move) or time.monotonic() > deadline:
            raise MoveInProgress
        if watching.is_abandoned(move.pk):
            running.run_move(move.pk)
        else:
            time.sleep(0.2)
