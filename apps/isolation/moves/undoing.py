"""Taking back what a move made: at the end of one that failed, and of the sources left behind."""

from collections.abc import Callable

import psycopg
import structlog
from django.db import DatabaseError, connection, transaction

from apps.isolation import models, parts, placements
from apps.isolation.databases import aliases, providing
from apps.isolation.databases.errors import DatabaseFailed
from apps.isolation.moves import capturing, links, preparing, telling
from apps.isolation.moves.claiming import Claim
from apps.isolation.moves.errors import MoveFailed

log = structlog.get_logger(__name__)

Location = models.Location
Move = models.Move
# Trouble that another try may not meet: the work is on the record and is tried again.
PASSING = (psycopg.Error, DatabaseError, DatabaseFailed, MoveFailed)


def tidy(claim: Claim, move: models.Move) -> bool:
    """Remove all traces of a move that did not flip; answers whether nothing is left."""
    done = [_tried(move, "source", lambda: _tidy_source(move))]
    if move.target is not None:
        target = move.target
        done.append(_tried(move, "target", lambda: _tidy_target(claim, move, target)))
    elif "database" in move.detail:
        alias = move.detail["database"]
        done.append(_tried(move, "database", lambda: providing.retire(alias)))
    return all(done)


def drop_from(claim: Claim, row: models.Location) -> int:
    """Remove the tenant's rows from a place where it does not live, and the place if it was its
    own. Answers how many rows; a second time does nothing.
    """
    location = placements.location_of(row)
    if models.Placement.objects.filter(pk=claim.tenant_id, location=row).exists():
        raise RuntimeError(f"{claim.tenant_id} lives at {row}")
    removed = empty(claim, location)
    if row.state != Location.State.SHARED:
        _discard(row)
    return removed


def empty(claim: Claim, location: placements.Location) -> int:
    """Remove the tenant's rows from a place; answers how many."""
    removed = 0
    for part in parts.parts():
        removed += part.drop(claim.tenant_id, location)
        # It may have been lost with its connection: then a move may be on its way here.
        claim.check()
    return removed


def _tried(move: models.Move, what: str, work: Callable[[], None]) -> bool:
    try:
        work()
    except PASSING as error:
        log.warning("isolation.move_untidy", move=str(move.id), at=what, reason=telling.said(error))
        return False
    except Exception:  # the move ends all the same: what is left is tried again, each time told
        log.exception("isolation.move_untidy", move=str(move.id), at=what)
        return False
    return True


def _tidy_source(move: models.Move) -> None:
    if move.source is not None:
        with links.owner(move.source.alias) as owner:
            capturing.stop(owner, move.id.hex)


def _tidy_target(claim: Claim, move: models.Move, target: models.Location) -> None:
    if target.alias == "default" or _exists(target.alias):
        with links.owner(target.alias) as owner:
            preparing.clear_away(owner, move.id.hex, str(move.id))
    if target.state == Location.State.SHARED and _is_used_by_another(move, target):
        return
    drop_from(claim, target)


def _is_used_by_another(move: models.Move, place: models.Location) -> bool:
    """Whether the tenant's rows at a shared place are another move's: it lives there, or they are
    kept since it left. Raises `MoveFailed` while one is under way, which may bring some there.
    """
    others = Move.objects.filter(tenant_id=move.tenant_id).exclude(pk=move.pk)
    if others.filter(finished_at=None).exists():
        raise MoveFailed("Another move of the tenant is under way.")
    later = others.filter(pk__gt=move.pk, flipped_at__isnull=False, purged_at=None)
    lives = models.Placement.objects.filter(pk=move.tenant_id, location=place)
    return lives.exists() or later.filter(source=place).exists()


def _exists(alias: str) -> bool:
    return models.Database.objects.filter(pk=alias, dsn__isnull=False).exists()


def _discard(row: models.Location) -> None:
    """The end of a Location of one tenant's own."""
    if row.alias != aliases.CONTROL:
        providing.retire(row.alias)
        return
    with transaction.atomic():
        Location.objects.filter(pk=row.pk).update(state=Location.State.RETIRED)
        with connection.cursor() as cursor:
            cursor.execute("SELECT isolation_drop_schema(%s)", [row.schema_name])
        Location.objects.filter(pk=row.pk).delete()
