"""Store, then let go: entries become rows and rollups, each event once, whoever dies on the
way (R6).

The lock on a shard's row in `metering_shard` and the position in it make the store exact: what
lies at or before the position is a replay, and a consumer that was thought dead finds that out
here.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from django.db import DataError, IntegrityError, connections, transaction

from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.metering import rows, stream
from apps.metering.stream import Entry, Mark, Owed, Position
from tenlyr.core import clock, redis

log = structlog.get_logger(__name__)

SQL = (Path(__file__).parent / "sql" / "store.sql").read_text()
COPY = f"COPY public.metering_staging ({', '.join(rows.COLUMNS)}) FROM STDIN (FORMAT binary)"
# An id is looked for as far back as a timestamp may lie (35 days), and a day for the way here.
REMEMBERED = timedelta(days=36)
# The upper ends of the latency histogram's places in milliseconds; the last place has none.
LATENCY_BOUNDS_MS = [
    float(bound)
    for bound in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000)
]
STAGING_BYTES = 4_000_000
# What a row itself can be at fault for; anything else is trouble that passes or is ours to mend.
POISON = (DataError, IntegrityError)
LONGEST_REASON = 500

# Rows staged, rows stored, and what the others had counted (JSON: [tenant, metric, period,
# units], …).
Answer = tuple[int, int, str | None]
Insert = Callable[[Any, Sequence[bytes]], list[Answer]]


@dataclass(slots=True)
class Stored:
    """What a transaction did. `distrusted` shards got events that their rebuilt counters lack."""

    events: int = 0
    duplicates: int = 0
    discarded: int = 0
    dead: int = 0
    owed: tuple[Owed, ...] = ()
    marks: list[Mark] = field(default_factory=list)
    distrusted: set[int] = field(default_factory=set)


def store(entries: Sequence[Entry]) -> Stored:
    """Store entries (each shard's in order) in one transaction; raises `DatabaseError`,
    storing none.

    Afterwards the caller owes each of `marks` a `stream.finish`.
    """
    done = Stored()
    with isolation.control_fleet() as connection, connection.cursor() as cursor:
        marks = _lock(cursor, {entry.shard for entry in entries})
        due = [entry for entry in entries if not _is_replay(entry, marks[entry.shard])]
        for entry in due:
            if entry.damage:
                _bury(cursor, entry, entry.rows, entry.damage)
                done.dead += 1
        _store_all([entry for entry in due if not entry.damage], marks, done, _insert)
        _advance(cursor, due, marks, done)
    return done


def store_carefully(entry: Entry) -> Stored:
    """Store an entry row by row; a row that Postgres refuses becomes a dead letter (F15)."""
    done = Stored()
    with isolation.control_fleet() as connection, connection.cursor() as cursor:
        marks = _lock(cursor, {entry.shard})
        if _is_replay(entry, marks[entry.shard]):
            done.marks = [*marks.values()]
            return done

        def insert(scope: Any, parts: Sequence[bytes]) -> list[Answer]:
            return _insert_singly(cursor, entry, scope, parts, done)

        try:
            with transaction.atomic(using="fleet"):
                _store_all([entry], marks, done, insert)
        except ValueError as error:
            _bury(cursor, entry, entry.rows, str(error))
            done.dead += 1
        _advance(cursor, [entry], marks, done)
    return done


def _lock(cursor: Any, shards: Iterable[int]) -> dict[int, Mark]:
    """The shards' marks, locked until commit, with nothing owed from before."""
    cursor.execute(
        "SELECT shard, epoch, last_ms, last_seq, corrections::text FROM public.metering_shard"
        " WHERE shard = ANY (%s) ORDER BY shard FOR UPDATE",
        [sorted(shards)],
    )
    marks = {}
    for shard, epoch, ms, seq, corrections in cursor.fetchall():
        mark = Mark(shard, epoch, (ms, seq), _owed_from(corrections))
        if mark.owed:
            # Its consumer may have died between commit and payment. Paying twice does nothing.
            stream.finish(mark)
        marks[shard] = mark
    return marks


def _owed_from(corrections: str) -> tuple[Owed, ...]:
    return tuple(
        Owed(UUID(tenant), metric, period, int(units))
        for tenant, metric, period, units in json.loads(corrections)
    )


def _is_replay(entry: Entry, mark: Mark) -> bool:
    return entry.epoch == mark.epoch and entry.position <= mark.position


def _store_all(
    entries: Sequence[Entry], marks: dict[int, Mark], done: Stored, insert: Insert
) -> None:
    """Bring every entry to its tenant's Location; those of tenants that are no more are
    discarded.
    """
    by_tenant: dict[UUID, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_tenant[entry.tenant_id].append(entry)
    placed = isolation.group(by_tenant)
    for location in sorted(placed, key=lambda location: location.id):
        here = [entry for tenant_id in placed[location] for entry in by_tenant.pop(tenant_id)]
        _store_here(location, here, marks, done, insert)
    done.discarded += sum(entry.count for left in by_tenant.values() for entry in left)


def _store_here(
    location: Location,
    entries: Sequence[Entry],
    marks: dict[int, Mark],
    done: Stored,
    insert: Insert,
) -> None:
    # Entries that were read before Redis lost its data: today's counters do not know of them.
    late = [entry for entry in entries if entry.epoch < marks[entry.shard].epoch]
    current = [entry for entry in entries if entry.epoch >= marks[entry.shard].epoch]
    with isolation.fleet(location, read_only=False) as scope:
        if current:
            for answer in insert(scope, [entry.rows for entry in current]):
                _note(answer, done)
                done.owed += _owed_from(answer[2] or "[]")
        if late:
            for answer in insert(scope, [entry.rows for entry in late]):
                _note(answer, done)
            done.distrusted |= {entry.shard for entry in late}


def _note(answer: Answer, done: Stored) -> None:
    staged, stored, _ = answer
    done.events += stored
    done.duplicates += staged - stored


def _insert(scope: Any, parts: Sequence[bytes]) -> list[Answer]:
    """Copy rows to the staging table and move them into the scope's tables."""
    with scope.cursor() as cursor:
        # Django wraps what `execute` raises, but not what `copy` does.
        with (
            connections[scope.alias].wrap_database_errors,
            cursor.copy(COPY) as copy,
        ):
            copy.write(b"".join((rows.HEADER, *parts, rows.TRAILER)))
        cursor.execute(SQL, {"remembered": clock.now() - REMEMBERED, "bounds": LATENCY_BOUNDS_MS})
        return [cursor.fetchone()]


def _insert_singly(
    cursor: Any, entry: Entry, scope: Any, parts: Sequence[bytes], done: Stored
) -> list[Answer]:
    answers: list[Answer] = []
    for row in [row for part in parts for row in rows.split(part)]:
        try:
            with transaction.atomic(using=scope.alias):
                answers += _insert(scope, [row])
        except POISON as error:
            done.dead += 1
            _bury(cursor, entry, row, str(error), number=done.dead)
    return answers


def _bury(cursor: Any, entry: Entry, payload: bytes, reason: str, *, number: int = 0) -> None:
    """Keep what cannot be stored. The count in Redis stays as it is: the event was accepted."""
    log.error("metering.dead_letter", shard=entry.shard, entry=entry.name, reason=reason)
    cursor.execute(
        "INSERT INTO public.metering_dead_letter (shard, entry, tenant_id, payload, reason)"
        " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [
            entry.shard,
            f"{entry.name}#{number}",
            None if entry.damage else entry.tenant_id,
            payload,
            reason[:LONGEST_REASON],
        ],
    )


def _advance(cursor: Any, due: Sequence[Entry], marks: dict[int, Mark], done: Stored) -> None:
    """Move the marks past what this transaction stored, and note what it owes."""
    last: dict[int, Position] = {shard: mark.position for shard, mark in marks.items()}
    for entry in due:
        if entry.damage or entry.epoch >= marks[entry.shard].epoch:
            last[entry.shard] = max(last[entry.shard], entry.position)
    owed: dict[int, list[Owed]] = defaultdict(list)
    for one in done.owed:
        owed[redis.shard_of(one.tenant_id)].append(one)
    done.marks = [
        Mark(shard, mark.epoch, last[shard], tuple(owed[shard])) for shard, mark in marks.items()
    ]
    moved = [mark for mark in done.marks if mark.position > marks[mark.shard].position]
    cursor.execute(
        "UPDATE public.metering_shard AS s"
        " SET last_ms = n.ms, last_seq = n.seq, corrections = n.corrections::jsonb"
        " FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::text[])"
        "   AS n (shard, ms, seq, corrections)"
        " WHERE s.shard = n.shard",
        [
            [mark.shard for mark in moved],
            [mark.position[0] for mark in moved],
            [mark.position[1] for mark in moved],
            [_written(mark.owed) for mark in moved],
        ],
    )


def _written(owed: Iterable[Owed]) -> str:
    return json.dumps(
        [[str(one.tenant_id), one.metric, one.period, str(one.units)] for one in owed]
    )


def empty_staging() -> None:
    """Give back the space of the staging table once it is worth a short lock."""
    with isolation.control_fleet() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT public.metering_empty_staging(%s)", [STAGING_BYTES])


def marks_of(shards: Iterable[int]) -> list[Mark]:
    """How far the shards are stored, as it stands now."""
    with isolation.control_fleet() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT shard, epoch, last_ms, last_seq FROM public.metering_shard"
            " WHERE shard = ANY (%s)",
            [sorted(shards)],
        )
        return [Mark(shard, epoch, (ms, seq)) for shard, epoch, ms, seq in cursor.fetchall()]
