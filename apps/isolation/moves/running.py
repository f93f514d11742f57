"""One run of a move: from the step after the last finished one, as far as it comes.

Only the Move row says where a run begins. Each step may be begun any number of times. Until the
flip a trouble that stays ends the move as `failed`; after it there is only forward.
"""

import time
from collections.abc import Callable, Mapping
from uuid import UUID

import psycopg
import structlog
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import QuerySet
from psycopg import errors as postgres

from apps.isolation import models
from apps.isolation.moves import (
    capturing,
    claiming,
    copying,
    fencing,
    flipping,
    preflight,
    preparing,
    progress,
    settling,
    starting,
    telling,
    undoing,
    verifying,
)
from apps.isolation.moves.errors import MoveFailed, Paused, Superseded
from apps.isolation.moves.journey import Journey, begin
from apps.isolation.moves.links import Liveness
from apps.isolation.parts import NotMovable
from tenlyr.core import clock

log = structlog.get_logger(__name__)

Move = models.Move
Step = Callable[[Journey], None]
Steps = Mapping[str, Step]
OnProgress = Callable[[models.Move], None]

STEPS: Steps = {
    "place": preparing.place,
    "preflight": preflight.check,
    "prepare": preparing.prepare,
    "capture": capturing.start,
    "copy": copying.copy_all,
    "catch_up": verifying.catch_up,
    "verify": verifying.verify,
    "flip": fencing.flip,
    "leave": settling.leave,
    "settle": settling.settle,
}
ACTIVE = (Move.Status.PENDING, Move.Status.IN_PROGRESS)
# A connection or a server may come back: so many runs in a row may end at the same step.
MOST_STUMBLES = 12
AWAY = "A database could not be reached for too long."
UNFORESEEN = "The move met an error that nobody foresaw, again and again: the log has it."
BROKEN_OFF = "The restore was broken off before the tenant's place was changed."
STAYS = (
    (postgres.DiskFull, "The target has no space left."),
    (psycopg.IntegrityError, "A row breaks a constraint of the target."),
    (psycopg.DataError, "A value cannot be stored at the target."),
    (postgres.InsufficientPrivilege, "A role lacks a right that the move needs."),
    (psycopg.ProgrammingError, "The tables changed while they were moved."),
    (psycopg.NotSupportedError, "The target cannot hold one of the tables."),
)


def run_move(
    move_id: UUID, *, budget_s: float = float("inf"), on_progress: OnProgress = lambda move: None
) -> models.Move:
    """Take the move as far as it comes; answers its row. Does nothing while another process
    runs it, and goes on later where `budget_s` ended.
    """
    liveness = Liveness(move_id)
    if not liveness.take():
        return Move.objects.get(pk=move_id)
    try:
        run_held(move_id, liveness, budget_s=budget_s, on_progress=on_progress)
    finally:
        liveness.leave()
    return Move.objects.get(pk=move_id)


def run_held(
    move_id: UUID,
    liveness: Liveness,
    steps: Steps | None = None,
    *,
    budget_s: float = float("inf"),
    on_progress: OnProgress = lambda move: None,
) -> None:
    """The same for who holds the move already. Only a restore brings its own steps: it ends as
    failed in a run without them, unless it has flipped.
    """
    move = _enter(move_id)
    if move.status not in ACTIVE:
        return
    if steps is None and starting.is_restore(move) and move.flipped_at is None:
        _fail(move, move.detail.get("failing", BROKEN_OFF))
        return
    deadline = time.monotonic() + budget_s
    _run(move, liveness, deadline, on_progress, STEPS if steps is None else steps)


def _enter(move_id: UUID) -> models.Move:
    """Take the move over from whoever ran it last."""
    rows = Move.objects.select_related("source", "target", "undoes")
    with transaction.atomic():
        # Locked: who stops the move in this moment writes on the same detail.
        move = rows.select_for_update(of=("self",)).get(pk=move_id)
        if move.status in ACTIVE:
            move.status = Move.Status.IN_PROGRESS
            move.started_at = move.started_at or clock.now()
            move.detail = {**move.detail, "runner": move.detail.get("runner", 0) + 1}
            move.save(update_fields=["status", "started_at", "detail", "updated_at"])
    return move


def _run(
    move: models.Move,
    liveness: Liveness,
    deadline: float,
    on_progress: OnProgress,
    steps: Steps,
) -> None:
    try:
        if "failing" in move.detail:
            raise MoveFailed(move.detail["failing"])
        journey = begin(move, liveness, deadline, on_progress)
        with journey.links:
            _walk(journey, steps)
    except Paused:
        log.info("isolation.move_paused", move=str(move.id), step=move.step)
    except Superseded:
        log.warning("isolation.move_superseded", move=str(move.id))
    except MoveFailed as error:
        _fail(move, str(error), error.internal)
    except NotMovable as error:
        _fail(move, str(error), error.internal)
    except (psycopg.Error, DatabaseError, InterfaceError) as error:
        _stumble(move, error, AWAY)
    except Exception as error:  # a mistake of ours may pass; one that stays is not tried for ever
        log.exception("isolation.move_broken", move=str(move.id), after=move.step)
        _stumble(move, error, UNFORESEEN)


def _walk(journey: Journey, steps: Steps) -> None:
    if journey.target is not None:
        progress.take_over(journey)
    names = list(steps)
    done = journey.move.step
    for name in names[names.index(done) + 1 if done else 0 :]:
        journey.breathe()
        began = time.perf_counter()
        steps[name](journey)
        took_ms = round((time.perf_counter() - began) * 1000, 1)
        times = {**journey.move.detail.get("timesMs", {}), name: took_ms}
        journey.note(step=name, timesMs=times, stumbles=0)
        log.info("isolation.move_step", move=str(journey.move.id), step=name, took_ms=took_ms)
    flipping.complete(journey)
    journey.on_progress(journey.move)


def _stumble(move: models.Move, error: Exception, sentence: str) -> None:
    """Passing trouble ends this run, trouble that stays ends the move, unless it has flipped: with
    what is known of it, or after too many runs with `sentence`.
    """
    cause = error if isinstance(error, psycopg.Error) else error.__cause__
    log.warning(
        "isolation.move_stumbled",
        move=str(move.id),
        after=move.step,
        error=type(error).__name__,
        reason=telling.said(error),
    )
    for kind, known in STAYS:
        if isinstance(cause, kind):
            _fail(move, known)
            return
    stumbles = move.detail.get("stumbles", 0) + 1
    if stumbles >= MOST_STUMBLES:
        _fail(move, sentence)
        return
    move.detail["stumbles"] = stumbles
    Move.objects.filter(
        pk=move.pk, status=Move.Status.IN_PROGRESS, detail__runner=move.detail["runner"]
    ).update(detail=move.detail)


def _fail(move: models.Move, sentence: str, internal: str = "") -> None:
    """End the move as failed: first on the record, then tidied, then told."""
    # By the number of this run: whoever was taken over ends nothing and removes nothing.
    mine = Move.objects.filter(
        pk=move.pk, status=Move.Status.IN_PROGRESS, detail__runner=move.detail["runner"]
    )
    now = mine.select_related("source", "target").first()
    if now is None:
        return
    if now.flipped_at is not None:
        log.error("isolation.move_stuck", move=str(move.id), after=now.step, reason=sentence)
        return
    now.detail |= {"failing": sentence, **({"internal": internal} if internal else {})}
    if mine.update(detail=now.detail) and _tidied(now, mine):
        _end(now, mine, sentence)


def _end(move: models.Move, mine: "QuerySet[models.Move]", sentence: str) -> None:
    try:
        flipping.fail(move, sentence)
    except Exception:  # what cannot be told, for whatever reason, is not tried for ever either
        log.exception("isolation.move_not_told", move=str(move.id))
        move.detail["endings"] = move.detail.get("endings", 0) + 1
        if not mine.update(detail=move.detail) or move.detail["endings"] < MOST_STUMBLES:
            return
        flipping.fail_untold(move, sentence)
    log.warning(
        "isolation.move_failed",
        move=str(move.id),
        after=move.step,
        reason=sentence,
        internal=move.detail.get("internal", ""),
    )


def _tidied(move: models.Move, mine: "QuerySet[models.Move]") -> bool:
    """Whether what could be removed is removed; no, where the next run is to try."""
    if move.detail.get("isTidy"):
        return True
    try:
        with claiming.alone(move.tenant_id, claiming.HANDOVER_S) as claim:
            if not mine.exists():
                return False
            move.detail["isTidy"] = undoing.tidy(claim, move)
    except claiming.Taken:
        log.warning("isolation.move_tidied_elsewhere", move=str(move.id))
        return False
    return bool(mine.update(detail=move.detail))
