"""The fence: for some milliseconds nobody writes the tenant's rows, and the last changes go over.

What takes time was done outside: inside are the last short round, foreign keys, sequences, and
one transaction of the control plane.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.db import connection as control
from psycopg import errors as postgres

from apps.isolation import parts
from apps.isolation.moves import capturing, flipping, parking, replaying, sequences, verifying
from apps.isolation.moves.errors import MoveFailed
from apps.isolation.moves.journey import CHANGED, Journey
from apps.isolation.moves.links import LOCK_TIMEOUT_MS, run
from apps.isolation.moves.sequences import Ends
from apps.isolation.parts import MoveBusy

HOLD_TIMEOUT_MS = 100
# How long writers may have waited when the flip begins; longer only where it cannot be helped.
BUDGET_S = 0.1
PATIENT_AFTER = 8
MOST_ATTEMPTS = 60
FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 2.0


def flip(journey: Journey) -> None:
    """Step `flip`: hold, catch up, flip, let go. Tried again whenever it would take too long."""
    now = {shape.contents for shape in journey.read_shapes()}
    if now != {shape.contents for shape in journey.shapes}:
        raise MoveFailed(CHANGED)
    wait_s, budget_s = FIRST_WAIT_S, BUDGET_S
    for attempt in range(1, MOST_ATTEMPTS + 1):
        journey.breathe()
        _open_again(journey)
        verifying.catch_up(journey)
        try:
            _pass(journey, budget_s, attempt)
        except (MoveBusy, postgres.LockNotAvailable, postgres.CheckViolation):
            # Without a partition for a row of the last moment, the next round makes one.
            time.sleep(wait_s)
            wait_s = min(1.5 * wait_s, LONGEST_WAIT_S)
            budget_s *= 1.3 if attempt > PATIENT_AFTER else 1
        else:
            return
    raise MoveFailed("The tenant's writes could not be held: a transaction stayed open too long.")


def _open_again(journey: Journey) -> None:
    """Undo what an earlier fence did before it was broken off."""
    parking.park(journey)
    capturing.open_gate(journey)


def _pass(journey: Journey, budget_s: float, attempt: int) -> None:
    control.ensure_connection()
    ends = sequences.ends(journey)
    clock = Stopwatch()
    with ExitStack() as held:
        for part in parts.parts():
            held.enter_context(part.hold(journey.tenant_id))
        held.enter_context(_alone(journey))
        journey.check_tables()
        clock.lap("hold")
        replaying.catch_up(journey)
        clock.lap("replay")
        if clock.total_ms > budget_s * 1000:
            raise MoveBusy
        # What fails from here on may have flipped: the gate stays as it is until the row is read.
        _arrive(journey, ends)
        clock.lap("arrive")
        flipping.commit(journey, attempt)
        clock.lap("flip")
    clock.lap("release")
    journey.note(fenceMs=round(clock.total_ms, 1), fencePartsMs=clock.laps_ms)


class Stopwatch:
    """How long the tenant's writers wait, and for what."""

    def __init__(self) -> None:
        self._began = self._lapped = time.perf_counter()
        self.laps_ms: dict[str, float] = {}

    @property
    def total_ms(self) -> float:
        """Milliseconds until the last lap."""
        return (self._lapped - self._began) * 1000

    def lap(self, name: str) -> None:
        """The end of one part of the wait."""
        now = time.perf_counter()
        self.laps_ms[name] = round((now - self._lapped) * 1000, 1)
        self._lapped = now


def _arrive(journey: Journey, ends: Ends) -> None:
    """Make the target ready for writers, and close a source whose gate the flip does not close."""
    statements = sequences.carry(journey, ends)
    if not journey.is_shared_target:
        statements += parking.bring_back(journey)
    if statements:
        # One message, and so one transaction: writers are waiting.
        bound = f"SET LOCAL lock_timeout = {HOLD_TIMEOUT_MS}"
        run(journey.links.target_owner, "; ".join([bound, *statements]))
    for part in parts.parts():
        part.arrive(journey.tenant_id, journey.source, journey.arrival, journey.epoch + 1)
    if capturing.has_own_gate(journey):
        capturing.close_gate(journey)
    journey.liveness.check()


@contextmanager
def _alone(journey: Journey) -> Iterator[None]:
    """The lock that every writer of a captured table shares until its commit, for us alone."""
    connection, lock = journey.links.source_owner, capturing.lock_of(journey.tenant_id)
    run(connection, f"SET lock_timeout = {HOLD_TIMEOUT_MS}")
    try:
        run(connection, f"SELECT pg_advisory_lock({lock})")
    except postgres.LockNotAvailable:
        raise MoveBusy from None
    finally:
        run(connection, f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    try:
        yield
    finally:
        run(connection, f"SELECT pg_advisory_unlock({lock})")
