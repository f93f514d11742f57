"""The end of what moves left behind: sources whose grace is over, targets of failed moves."""

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from psycopg import errors as postgres

from apps.isolation import models, placements
from apps.isolation.moves import capturing, digests, links, undoing
from apps.isolation.moves.quoting import value
from tenlyr.core import audit, clock

log = structlog.get_logger(__name__)

Move = models.Move
# Moves whose tenant left its source: also one that came back by another move.
FLIPPED = (Move.Status.COMPLETED, Move.Status.ROLLED_BACK)


def purge_due() -> int:
    """Purge the sources whose grace is over, or whose tenant is no more; answers how many."""
    return sum(_purge(move) for move in _due())


def tidy_failed() -> int:
    """Try again what could not be removed when moves failed; answers how many are tidy now."""
    left = Move.objects.filter(status=Move.Status.FAILED, detail__isTidy=False)
    tidied = 0
    for move in left.select_related("source", "target"):
        if undoing.tidy(move):
            Move.objects.filter(pk=move.pk).update(detail={**move.detail, "isTidy": True})
            tidied += 1
    return tidied


def _due() -> "QuerySet[models.Move]":
    lives = models.Placement.objects.filter(pk=OuterRef("tenant_id"))
    done = Move.objects.filter(status__in=FLIPPED, purged_at=None)
    is_due = Q(purge_after__lte=clock.now()) | ~Exists(lives)
    return done.filter(is_due).select_related("source", "target").order_by("id")


def _purge(move: models.Move) -> bool:
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
            rows = undoing.drop_from(move.tenant_id, source)
        except undoing.PASSING as error:
            log.warning("isolation.purge_delayed", move=str(move.id), reason=str(error).strip())
            return False
    else:
        rows = 0
    _record(move, rows)
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


def _record(move: models.Move, rows: int) -> None:
    with transaction.atomic():
        Move.objects.filter(pk=move.pk).update(purged_at=clock.now())
        audit.record(
            "isolation.source_purged",
            workspace_id=move.workspace_id,
            tenant_id=move.tenant_id,
            target=str(move.id),
            rows=rows,
        )
