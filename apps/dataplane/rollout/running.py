"""One run of a roll-out: batch after batch until everybody has the version, or too many refuse.

A run may die anywhere. Each schema's release is one transaction with the mark that it is there, so
the next run asks the databases what they have and goes on. What was begun and not ended is tried
again alone, after the others of its wave, and not for ever: it may be what the process died of.
"""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Self
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.models import F

from apps.dataplane import applying, blocking, places
from apps.dataplane.applying import DdlFailed
from apps.dataplane.models import Release, Rollout, SchemaState
from apps.dataplane.rollout import progress
from apps.isolation import public as isolation
from apps.isolation.public import Location
from tenlyr.core import audit, clock

log = structlog.get_logger(__name__)

OnProgress = Callable[[Rollout], None]
Status = Rollout.Status

# A lock that was not had is asked for again, a little later each time.
ATTEMPTS = 8
# Whatever nobody thought of may pass by itself; what comes again would come without end.
STRANGE_ATTEMPTS = 3
STRANGE = "It failed for a reason that the release has no part in; the log of the worker has it."
# A schema is begun so often, where each time the process dies before it is through.
DEADLY_TRIES = 3
DEADLY = (
    f"The process that worked on it ended {DEADLY_TRIES} times before it was through, out of memory"
    " or out of time, say: the log of the worker or of its machine has it."
)
PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
A_THREAD = 5
AWAY = (DatabaseError, InterfaceError, isolation.DatabaseFailed)


def run(rollout_id: UUID, *, on_progress: OnProgress = lambda rollout: None) -> Rollout:
    """Take the roll-out as far as it comes; answers its row. Does nothing while another process
    runs it.
    """
    with _alone(rollout_id) as is_alone:
        if is_alone:
            _run(rollout_id, on_progress)
    return _row(rollout_id)


def abandoned() -> list[UUID]:
    """Roll-outs that should be running and that no process runs."""
    rolling = Rollout.objects.filter(status=Status.ROLLING).values_list("id", flat=True)
    return [rollout_id for rollout_id in rolling if not isolation.is_held(_key(rollout_id))]


def _key(rollout_id: UUID) -> int:
    return rollout_id.int % (1 << 63)


@contextmanager
def _alone(rollout_id: UUID) -> Iterator[bool]:
    """A lock of this session, which ends with the process."""
    key = _key(rollout_id)
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        is_alone = bool(cursor.fetchone()[0])
    try:
        yield is_alone
    finally:
        if is_alone:
            with connections["owner"].cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _row(rollout_id: UUID) -> Rollout:
    return Rollout.objects.select_related("release").get(pk=rollout_id)


def _run(rollout_id: UUID, on_progress: OnProgress) -> None:
    rollout = _row(rollout_id)
    if rollout.status != Status.ROLLING:
        return
    progress.look(rollout.workspace_id)
    with Crew(rollout) as crew:
        # Read anew each time: it may be paused from outside.
        while (rollout := _row(rollout_id)).status == Status.ROLLING:
            batch = _next_batch(rollout)
            if batch:
                _note_wave(rollout, batch[0].wave)
                _note_begun(batch)
                _note_brought(crew.bring_up(batch), rollout.release.version)
            _judge(rollout, is_over=not batch)
            on_progress(_row(rollout_id))


def _next_batch(rollout: Rollout) -> list[SchemaState]:
    """Some of the first wave that is not through; those that a process died with come last, and
    one by one: so the next death is that one's.
    """
    due = progress.due(rollout).filter(state=SchemaState.State.READY)
    found = list(due.order_by("wave", "tries", "schema")[: rollout.parallel * A_THREAD])
    if found and found[0].tries:
        return found[:1]
    return [state for state in found if (state.wave, state.tries) == (found[0].wave, 0)]


def _note_wave(rollout: Rollout, wave: int | None) -> None:
    if wave is not None and wave != rollout.wave:
        Rollout.objects.filter(pk=rollout.pk).update(wave=wave)


class Crew:
    """Threads that keep their connections through a run: making one costs more than a release."""

    def __init__(self, rollout: Rollout) -> None:
        self._locations = {one.id: one for one in isolation.locations()}
        self._version = rollout.release.version
        self._releases = list(
            Release.objects.filter(
                workspace_id=rollout.workspace_id, version__lte=self._version
            ).order_by("version")
        )
        self._size = rollout.parallel
        self._threads = ThreadPoolExecutor(self._size, thread_name_prefix="rollout")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Each thread closes what it opened: none takes a second turn before all took one."""
        all_here = Barrier(self._size)
        leaving = [self._threads.submit(_leave, all_here) for _ in range(self._size)]
        self._threads.shutdown()
        for one in leaving:
            one.result()

    def bring_up(self, batch: list[SchemaState]) -> list[str]:
        """Bring some schemas to the version; answers those that have it now. Why another has not,
        is noted with it.
        """
        taken = self._threads.map(self._bring_one, batch)
        return [state.schema for state, is_there in zip(batch, taken, strict=True) if is_there]

    def _bring_one(self, state: SchemaState) -> bool:
        location = self._locations.get(state.location_id or 0)
        if location is None or state.tries >= DEADLY_TRIES:
            _refuse(state, DEADLY if location else "Its Location is not there any more.")
            return False
        strange = 0
        for attempt in range(ATTEMPTS):
            try:
                self._bring(state, location)
                return True
            except DdlFailed as failed:
                if not failed.is_busy or attempt == ATTEMPTS - 1:
                    _refuse(state, str(failed))
                    return False
            except AWAY as error:
                _refuse(state, f"Its database cannot be reached ({type(error).__name__}).")
                log.warning(
                    "dataplane.schema_away", schema=state.schema, reason=isolation.said(error)
                )
                return False
            except Exception:  # out of here it would end the run, and the next one, and the next
                log.exception("dataplane.schema_failed", schema=state.schema)
                strange += 1
                if strange == STRANGE_ATTEMPTS or attempt == ATTEMPTS - 1:
                    _refuse(state, STRANGE)
                    return False
            pause_s = min(PAUSE_S * 2**attempt, LONGEST_PAUSE_S)
            time.sleep(pause_s * random.uniform(0.5, 1.0))  # so that they do not meet again
        return False

    def _bring(self, state: SchemaState, location: Location) -> None:
        if not state.version:
            blocking.tell_residents(location)
            places.furnish(state.workspace_id, location, self._version)
            return
        missing = [one for one in self._releases if one.version > state.version]
        applying.bring(state.schema, missing, using=isolation.owner_alias(location.alias))


def _leave(all_here: Barrier) -> None:
    all_here.wait()
    connections.close_all()


def _note_begun(batch: list[SchemaState]) -> None:
    """Beforehand, because whoever dies of one notes nothing afterwards."""
    SchemaState.objects.filter(pk__in=[state.pk for state in batch]).update(tries=F("tries") + 1)


def _note_brought(schemas: list[str], version: int) -> None:
    """For those that are not noted the databases are asked again: a run may die before this."""
    SchemaState.objects.filter(pk__in=schemas).update(
        version=version,
        state=SchemaState.State.READY,
        error="",
        tries=0,
        changed_at=clock.now(),
    )


def _refuse(state: SchemaState, sentence: str) -> None:
    log.warning("dataplane.schema_refused", schema=state.schema, reason=sentence)
    SchemaState.objects.filter(pk=state.pk).update(
        state=SchemaState.State.FAILED, error=sentence, changed_at=clock.now()
    )


def _judge(rollout: Rollout, *, is_over: bool) -> None:
    """End it when nobody is left, or when more refused than may."""
    refused = progress.due(rollout).filter(state=SchemaState.State.FAILED)
    count = refused.count()
    if count > rollout.failure_budget:
        first = refused.order_by("changed_at")[0]
        _end(rollout, Status.FAILED, f"{count} refused; {first.schema}: {first.error}")
    elif is_over:
        _end(rollout, Status.DONE, f"{count} refused, as many as may" if count else "")


def _end(rollout: Rollout, status: str, error: str) -> None:
    with transaction.atomic():
        ended = Rollout.objects.filter(pk=rollout.pk, status=Status.ROLLING).update(
            status=status, error=error, finished_at=clock.now()
        )
        if not ended:  # paused meanwhile
            return
        Release.objects.filter(pk=rollout.release_id).update(status=status)
        audit.record(
            f"dataplane.rollout_{status}",
            workspace_id=rollout.workspace_id,
            target=str(rollout.pk),
            version=rollout.release.version,
            reason=error,
        )
    log.info("dataplane.rollout_ended", rollout=str(rollout.pk), status=status, reason=error)
