"""The end of what moves left behind: sources whose grace is over, targets of failed moves."""

from collections.abc import Callable

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from psycopg import errors as postgres

from apps.isolation import models, placements
from apps.isolation.moves import capturing, claiming, digests, links, undoing
from apps.isolation.moves.claiming import Claim
from apps.isolation.moves.quoting import value
from tenlyr.core import audit, clock

log = structlog.get_logger(__name__)

Move = models.Move
# Moves whose tenant left its source: also one that came back by another move.
FLIPPED = (Move.Status.COMPLETED, Move.Status.ROLLED_BACK)


def purge_due() -> int:
    """Purge the sources whose grace is over, or whose tenant is no more; answers how many."""
    return sum(_alone(move, _purge) for move in _due())


def tidy_failed() -> int:
    """Try again what could not be removed when moves failed; answers how many are tidy now."""
    return sum(_alone(move, tidy) for move in _untidy())


def tidy(claim: Claim, move: models.Move) -> bool:
    """Remove what a failed move left and note it; answers whether nothing is left."""
    if not undoing.tidy(claim, move):
        return False
    Move.objects.filter(pk=move.pk).update(detail={**move.detail, "isTidy": True})
    return True


def _due() -> "QuerySet[models.Move]":
    lives = models.Placement.objects.filter(pk=OuterRef("tenant_id"))
    done = Move.objects.filter(status__in=FLIPPED, purged_at=None)
    is_due = Q(purge_after__lte=clock.now()) | ~Exists(lives)
    return done.filter(is_due).select_related("source", "target").order_by("id")


def _untidy() -> "QuerySet[models.Move]":
    left = Move.objects.filter(status=Move.Status.FAILED, detail__isTidy=False)
    return left.select_related("source", "target").order_by("id")


def _alone(move: models.Move, work: Callable[[Claim, models.Move], bool]) -> bool:
    """Do it while no move of the tenant begins and nobody else removes anything of it."""
    try:
        with claiming.alone(move.tenant_id) as claim:
            return work(claim, move)
    except claiming.Taken:
        return False


def _purge(claim: Claim, move: models.Move) -> bool:
    """One source. A place that the tenant came back to, or is coming back to, stays."""
    source = move.source
    if source is not None:
        busy = Move.objects.filter(
            tenant_id=move.tenant_id, status__in=[Move.Status.PENDING, Move.Status.IN_PROGRESS]
        )
        lives = models.Placement.objects.filter(pk=move.tenant_id, location=source)
        if busy.exists() or lives.exists():
            return False
        try:
            if _is_wanted(move) and not _is_untouched(move, source):
                return False
            with links.owner(source.alias) as owner:
                capturing.stop(owner, move.id.hex)
            rows = undoing.drop_from(claim, source)
        except undoing.PASSING as error:
            log.warning("isolation.purge_delayed", move=str(move.id), reason=str(error).strip())
            return False
    else:
        rows = 0
    record(move, rows)
    return True


def _is_wanted(move: models.Move) -> bool:
    """Whether a write that went astray would be missed: not one of a tenant that is no more."""
    return models.Placement.objects.filter(pk=move.tenant_id).exists()


def _is_untouched(move: models.Move, row: models.Location) -> bool:
    """Whether nobody wrote at the source after the tenant had left: no row is new or other than on
    the certificate. Fewer are what retention leaves.
    """
    tenant = f"{value(str(move.tenant_id))}::uuid"
    with links.fleet(placements.location_of(row)) as fleet:
        for table, known in move.detail.get("certificate", {}).items():
            try:
                found = digests.of_tenant(fleet, table, known["row"], tenant)
            except (postgres.UndefinedTable, postgres.UndefinedColumn, postgres.UndefinedObject):
                continue  # a release took it away since, and its rows with it
            if found.text != known["digest"] and found.rows >= int(known["digest"].split(":")[0]):
                log.error("isolation.source_changed", move=str(move.id), table=table)
                return False
    return True


def record(move: models.Move, rows: int) -> None:
    """Note that the source is purged, and how many rows went with it."""
    with transaction.atomic():
        Move.objects.filter(pk=move.pk).update(purged_at=clock.now())
        audit.record(
            "isolation.source_purged",
            workspace_id=move.workspace_id,
            tenant_id=move.tenant_id,
            target=str(move.id),
            rows=rows,
        )
