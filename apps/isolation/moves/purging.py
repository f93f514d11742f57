"""The end of what moves left behind: sources whose grace is over, targets of failed moves."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Exists, F, Func, JSONField, OuterRef, Q, QuerySet, Value
from django.db.models.fields.json import KT
from psycopg import errors as postgres

from apps.isolation import models, placements
from apps.isolation.moves import capturing, claiming, digests, links, telling, undoing
from apps.isolation.moves.claiming import Claim
from apps.isolation.moves.quoting import value
from tenlyr.core import audit, clock

log = structlog.get_logger(__name__)

Move = models.Move
# Moves whose tenant left its source: also one that came back by another move.
FLIPPED = (Move.Status.COMPLETED, Move.Status.ROLLED_BACK)

# For the failed ones, and again for the sources: together less than the task's limit.
BUDGET_S = 600.0
Moves = QuerySet[models.Move]
Work = Callable[[Claim, models.Move], bool]


def purge_due() -> int:
    """Purge the sources whose grace is over, or whose tenant is no more; answers how many."""
    return _each(_due(), _purge)


def tidy_failed() -> int:
    """Try again what could not be removed when moves failed; answers how many are tidy now."""
    return _each(_untidy(), tidy)


def tidy(claim: Claim, move: models.Move) -> bool:
    """Remove what a failed move left and note it; answers whether nothing is left."""
    if not undoing.tidy(claim, move):
        return False
    return bool(_untidy().filter(pk=move.pk).update(detail=_detail_with(isTidy=True)))


def record(move: models.Move, rows: int) -> bool:
    """Note that the source is purged, and how many rows went with it: once, whoever comes first."""
    with transaction.atomic():
        kept = Move.objects.filter(pk=move.pk, status__in=FLIPPED, purged_at=None)
        if not kept.update(purged_at=clock.now()):
            return False
        audit.record(
            "isolation.source_purged",
            workspace_id=move.workspace_id,
            tenant_id=move.tenant_id,
            target=str(move.id),
            rows=rows,
        )
    return True


def _due() -> Moves:
    """A place that the tenant came back to, or is coming back to, stays."""
    placed = models.Placement.objects.filter(pk=OuterRef("tenant_id"))
    is_home = Exists(placed.filter(location=OuterRef("source")))
    moves = Move.objects.filter(tenant_id=OuterRef("tenant_id"))
    is_moving = Exists(moves.filter(status__in=[Move.Status.PENDING, Move.Status.IN_PROGRESS]))
    is_over = Q(purge_after__lte=clock.now()) | ~Exists(placed)
    return Move.objects.filter(~is_home, ~is_moving, is_over, status__in=FLIPPED, purged_at=None)


def _untidy() -> Moves:
    return Move.objects.filter(status=Move.Status.FAILED, detail__isTidy=False)


def _each(due: Moves, work: Work) -> int:
    """Do it for one after another, for those first that were tried longest ago, while there is
    time; answers for how many it came about.
    """
    until, done = time.monotonic() + BUDGET_S, 0
    in_turn = due.order_by(KT("detail__triedAt").asc(nulls_first=True), "id")
    for move_id, tenant_id in in_turn.values_list("pk", "tenant_id"):
        try:
            done += _alone(due.filter(pk=move_id), tenant_id, work)
        except Exception:  # whatever it is, it is this move's alone: the others' turn must come
            log.exception("isolation.purge_failed", move=str(move_id))
        if time.monotonic() > until:
            break
    return done


def _alone(due: Moves, tenant_id: UUID, work: Work) -> bool:
    """Do it, if it still is to be done, while no move of the tenant begins and nobody else removes
    anything of it.
    """
    try:
        with claiming.alone(tenant_id) as claim:
            move = due.select_related("source", "target").first()
            if move is None:
                return False
            # Beforehand, because it may hang until the process is ended.
            due.update(detail=_detail_with(triedAt=clock.iso(clock.now())))
            return work(claim, move)
    except claiming.Taken:
        return False


def _detail_with(**facts: Any) -> Func:
    """The row's detail and more; what others wrote there since it was read stays."""
    more = Value(facts, JSONField())
    return Func(F("detail"), more, arg_joiner=" || ", template="%(expressions)s")


def _purge(claim: Claim, move: models.Move) -> bool:
    """One source."""
    rows, source = 0, move.source
    if source is not None:
        try:
            if _is_wanted(move) and not _is_untouched(move, source):
                return False
            with links.owner(source.alias) as owner:
                capturing.stop(owner, move.id.hex)
            rows = undoing.drop_from(claim, source)
        except undoing.PASSING as error:
            log.warning("isolation.purge_delayed", move=str(move.id), reason=telling.said(error))
            return False
    return record(move, rows)


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
