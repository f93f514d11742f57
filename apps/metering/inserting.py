"""Rows into one Location's tables, with their rollups: all at once, or one by one when one of
them is refused.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import DataError, IntegrityError, connections, transaction

from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.metering import rows
from apps.metering.stream import Entry, Owed
from tenlyr.core import clock

SQL = (Path(__file__).parent / "sql" / "store.sql").read_text()
COPY = f"COPY public.metering_staging ({', '.join(rows.COLUMNS)}) FROM STDIN (FORMAT binary)"
# An id is looked for as far back as a timestamp may lie (35 days), and a day for the way here.
REMEMBERED = timedelta(days=36)
# The upper ends of the latency histogram's places in milliseconds; the last place has none.
LATENCY_BOUNDS_MS = [
    float(bound)
    for bound in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000)
]
# What a row itself can be at fault for; anything else is trouble that passes or is ours to mend.
POISON = (DataError, IntegrityError)


@dataclass(frozen=True, slots=True)
class Dead:
    """A row, or a whole entry, that cannot be stored. `name` is the entry's, `#` and a number."""

    shard: int
    name: str
    tenant_id: UUID | None
    payload: bytes
    reason: str


@dataclass(slots=True)
class Outcome:
    """What came of rows. `distrusted` shards got events that their rebuilt counters lack."""

    events: int = 0
    duplicates: int = 0
    owed: tuple[Owed, ...] = ()
    dead: list[Dead] = field(default_factory=list)
    distrusted: set[int] = field(default_factory=set)

    def add(self, other: "Outcome") -> None:
        """Count the other one in."""
        self.events += other.events
        self.duplicates += other.duplicates
        self.owed += other.owed
        self.dead += other.dead
        self.distrusted |= other.distrusted


Insert = Callable[[Any, Sequence[Entry]], Outcome]


def into(
    location: Location, entries: Sequence[Entry], epochs: dict[int, int], insert: Insert
) -> Outcome:
    """Insert the entries' rows with `insert`; `epochs` are the shards' present ones."""
    # Entries that were read before Redis lost its data: today's counters do not know of them.
    late = [entry for entry in entries if entry.epoch < epochs[entry.shard]]
    current = [entry for entry in entries if entry.epoch >= epochs[entry.shard]]
    outcome = Outcome()
    with isolation.fleet(location, read_only=False) as scope:
        if current:
            outcome.add(insert(scope, current))
        if late:
            unowed = insert(scope, late)
            unowed.owed, unowed.distrusted = (), {entry.shard for entry in late}
            outcome.add(unowed)
    return outcome


def together(scope: Any, entries: Sequence[Entry]) -> Outcome:
    """Insert all rows in one statement; raises one of `POISON` when one row is refused."""
    return _insert(scope, [entry.rows for entry in entries])


def singly(scope: Any, entries: Sequence[Entry]) -> Outcome:
    """Insert row by row; a refused row is dead, and so is an entry whose rows do not add up."""
    outcome = Outcome()
    for entry in entries:
        try:
            found = rows.split(entry.rows)
        except ValueError as error:
            outcome.dead.append(letter(entry, entry.rows, str(error)))
            continue
        for number, row in enumerate(found, 1):
            try:
                with transaction.atomic(using=scope.alias):
                    outcome.add(_insert(scope, [row]))
            except POISON as error:
                outcome.dead.append(letter(entry, row, str(error), number=number))
    return outcome


def _insert(scope: Any, parts: Sequence[bytes]) -> Outcome:
    """Copy rows to the staging table and move them into the scope's tables."""
    with scope.cursor() as cursor:
        # Django wraps what `execute` raises, but not what `copy` does.
        with (
            connections[scope.alias].wrap_database_errors,
            cursor.copy(COPY) as copy,
        ):
            copy.write(b"".join((rows.HEADER, *parts, rows.TRAILER)))
        cursor.execute(SQL, {"remembered": clock.now() - REMEMBERED, "bounds": LATENCY_BOUNDS_MS})
        staged, stored, owed = cursor.fetchone()
    return Outcome(stored, staged - stored, owed_from(json.loads(owed or "[]")))


def letter(entry: Entry, payload: bytes, reason: str, *, number: int = 0) -> Dead:
    """The dead letter of a row of the entry; number 0 is the whole of it."""
    # An unreadable entry has neither epoch nor tenant.
    tenant_id = entry.tenant_id if entry.epoch else None
    return Dead(entry.shard, f"{entry.name}#{number}", tenant_id, payload, reason)


def owed_from(written: Iterable[Sequence[str]]) -> tuple[Owed, ...]:
    """Corrections as they are kept: tenant, metric, period, units."""
    return tuple(
        Owed(UUID(tenant), metric, period, int(units)) for tenant, metric, period, units in written
    )


def owed_written(owed: Iterable[Owed]) -> list[list[str]]:
    """The opposite of `owed_from`."""
    return [[str(one.tenant_id), one.metric, one.period, str(one.units)] for one in owed]
