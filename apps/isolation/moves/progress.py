"""How far a move is: the cursors at the target, and what people see on the move's row."""

import json
import time
from dataclasses import dataclass
from typing import Any

from apps.isolation.moves.errors import Superseded
from apps.isolation.moves.journey import Journey
from apps.isolation.moves.links import one, run
from apps.isolation.moves.quoting import value

REPORT_S = 0.5


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the copy of one unit stands; `last_key` is texts, empty at the start."""

    unit: str
    last_key: tuple[str, ...]
    rows: int
    is_done: bool


def _move(journey: Journey) -> str:
    return value(str(journey.move.id)) + "::uuid"


def arrive(journey: Journey) -> None:
    """Take the target for this run: whoever ran the move before can write there no more."""
    run(
        journey.links.target_owner,
        "INSERT INTO tenlyr_moves.arrival (move_id, tenant_id, runner)"
        f" VALUES ({_move(journey)}, {journey.tenant}, {journey.runner})"
        " ON CONFLICT (move_id) DO UPDATE SET runner = greatest(arrival.runner, excluded.runner)",
    )


def take_over(journey: Journey) -> None:
    """The same for a run that resumes, where the target may not be prepared yet."""
    books = one(journey.links.target_owner, "SELECT to_regclass('tenlyr_moves.arrival')")
    if books[0] is not None:
        run(
            journey.links.target_owner,
            f"UPDATE tenlyr_moves.arrival SET runner = {journey.runner}"
            f" WHERE move_id = {_move(journey)} AND runner < {journey.runner}",
        )


def claim(journey: Journey) -> None:
    """Lock the arrival for the transaction at hand; raises `Superseded` for an earlier run."""
    row = run(
        journey.links.target,
        f"SELECT runner FROM tenlyr_moves.arrival WHERE move_id = {_move(journey)} FOR UPDATE",
    ).fetchone()
    if row is None or row[0] != journey.runner:
        raise Superseded


def cursor_of(journey: Journey, unit: str) -> Cursor:
    """The cursor of a unit, in the transaction that moves it on."""
    where = f"move_id = {_move(journey)} AND unit = {value(unit)}"
    row = run(
        journey.links.target,
        f"SELECT last_key, rows, is_done FROM tenlyr_moves.progress WHERE {where}",
    ).fetchone()
    if row is None:
        return Cursor(unit, (), 0, is_done=False)
    return Cursor(unit, tuple(row[0]), row[1], row[2])


def advance(journey: Journey, cursor: Cursor) -> None:
    """Keep the cursor, with the rows it speaks of."""
    run(
        journey.links.target,
        "INSERT INTO tenlyr_moves.progress (move_id, unit, last_key, rows, is_done) VALUES"
        f" ({_move(journey)}, {value(cursor.unit)}, {value(json.dumps(cursor.last_key))},"
        f" {cursor.rows}, {cursor.is_done}) ON CONFLICT (move_id, unit) DO UPDATE SET"
        " last_key = excluded.last_key, rows = excluded.rows, is_done = excluded.is_done",
    )


def forget(journey: Journey) -> None:
    """Start the copy anew."""
    run(
        journey.links.target,
        f"DELETE FROM tenlyr_moves.progress WHERE move_id = {_move(journey)}",
    )


def copied(journey: Journey) -> int:
    """Rows that are at the target already."""
    total = one(
        journey.links.target,
        "SELECT coalesce(sum(rows), 0)::bigint FROM tenlyr_moves.progress"
        f" WHERE move_id = {_move(journey)}",
    )
    return int(total[0])


class Meter:
    """Writes rows and rate to the move's row, a few times a second at most."""

    def __init__(self, journey: Journey, done: int) -> None:
        self._journey, self._done, self._before = journey, done, done
        self._since = self._said = time.monotonic()

    def add(self, rows: int) -> None:
        """Count rows that are committed at the target."""
        self._done += rows
        if time.monotonic() - self._said > REPORT_S:
            self.say()

    def say(self, **more: Any) -> None:
        """Write what is known now."""
        self._said = time.monotonic()
        rate = (self._done - self._before) / max(self._said - self._since, 1e-3)
        total = max(self._journey.move.rows_total, self._done)
        self._journey.note(rows_done=self._done, rows_per_s=rate, rows_total=total, **more)
