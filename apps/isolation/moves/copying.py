"""The copy: COPY out of the source, piped into COPY at the target, chunk by chunk of the key.

A chunk's rows and its cursor commit together, so that a run that died goes on where it stood.
Row level security forbids COPY into a fenced table: chunks land in a stage beside it first.
"""

import contextlib

from apps.isolation.moves import claiming, progress, undoing
from apps.isolation.moves.errors import Paused
from apps.isolation.moves.journey import Journey
from apps.isolation.moves.links import Connection, one, run
from apps.isolation.moves.progress import Cursor, Meter
from apps.isolation.moves.quoting import columns, name, value
from apps.isolation.moves.shapes import TENANT, Shape, Unit, stage

CHUNK_ROWS = 50_000
CHUNK_BYTES = 48_000_000
SAMPLE_ROWS = 200
WHOLE = 1 << 62
# Walk the key's index: the planner would rather sort the whole table anew for every chunk.
WALK = "SET enable_sort = off; SET enable_bitmapscan = off; SET enable_seqscan = off"


def copy_all(journey: Journey) -> None:
    """Step `copy`: every row there was when the capture began, and maybe newer ones."""
    # A partition may be younger than `prepare`, with rows older than the capture.
    journey.prepare_parts()
    with contextlib.ExitStack() as open_:
        if journey.is_shared_target:
            # Foreign keys stay in force there: all rows must come from one moment.
            _start_anew(journey)
            open_.enter_context(journey.links.source.transaction())
            run(journey.links.source, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        run(journey.links.source, WALK)
        meter = Meter(journey, progress.copied(journey))
        for shape in journey.shapes:
            _copy(journey, shape, meter)
        run(journey.links.source, "RESET ALL")
        meter.say()


def pipe(source: Connection, target: Connection, query: str, into: str, shape: Shape) -> None:
    """Stream a query's rows into a relation."""
    take = f"COPY ({query}) TO STDOUT ({shape.copy_format})"
    give = f"COPY {into} FROM STDIN ({shape.copy_format})"
    with (
        source.cursor() as reader,
        target.cursor() as writer,
        reader.copy(take) as rows,
        writer.copy(give) as sink,
    ):
        for data in rows:
            sink.write(data)


def _start_anew(journey: Journey) -> None:
    """Remove what an earlier run copied. One that lost its lock may be at just that: it is waited
    for, or it would go on with the rows that this run brings.
    """
    try:
        with claiming.alone(journey.tenant_id, claiming.HANDOVER_S) as claim:
            journey.note()  # raises where a later run took over
            undoing.empty(claim, journey.arrival)
            progress.forget(journey)
    except claiming.Taken:
        raise Paused from None


def _copy(journey: Journey, shape: Shape, meter: Meter) -> None:
    size = _chunk_rows(journey, shape)
    for unit in shape.units:
        is_done = False
        while not is_done:
            journey.breathe()
            rows, is_done = _copy_chunk(journey, shape, unit, size)
            meter.add(rows)


def _chunk_rows(journey: Journey, shape: Shape) -> int:
    """So many rows that a chunk's transaction stays short whatever a row weighs."""
    if journey.is_shared_target and not shape.is_chunkable:
        return WHOLE
    width = one(
        journey.links.source,
        f"SELECT coalesce(avg(pg_column_size(t.*)), 0)::bigint FROM (SELECT * FROM {shape.source}"
        f" WHERE {name(TENANT)} = {journey.tenant} LIMIT {SAMPLE_ROWS}) AS t",
    )[0]
    return max(1, min(CHUNK_ROWS, CHUNK_BYTES // max(width, 1)))


def _copy_chunk(journey: Journey, shape: Shape, unit: Unit, size: int) -> tuple[int, bool]:
    """Copy the next chunk; answers its rows and whether it was the last."""
    target, into = journey.links.target, stage(journey.hex, shape)
    with target.transaction():
        progress.claim(journey)
        before = progress.cursor_of(journey, unit.name)
        if before.is_done:
            return 0, True
        run(target, f"TRUNCATE {into}")
        query = _query(journey, shape, unit, before, size)
        pipe(journey.links.source, target, query, f"{into} ({columns(shape.copied)})", shape)
        landed = int(one(target, f"SELECT count(*) FROM {into}")[0])
        run(target, insert(shape, into))
        last_key = _last_key(target, shape, into) if landed else before.last_key
        after = Cursor(unit.name, last_key, before.rows + landed, is_done=landed < size)
        progress.advance(journey, after)
    return landed, after.is_done


def insert(shape: Shape, from_: str) -> str:
    """Stage to table. A conflict can only be with a row that changed since the capture began:
    both are in the log, and replay puts them right.
    """
    lenient = " ON CONFLICT DO NOTHING" if shape.has_more_uniques else ""
    names = columns(shape.copied)
    return (
        f"INSERT INTO {shape.target} ({names}) OVERRIDING SYSTEM VALUE"
        f" SELECT {names} FROM {from_}{lenient}"
    )


def _query(journey: Journey, shape: Shape, unit: Unit, cursor: Cursor, size: int) -> str:
    key = columns(shape.key)
    after = ""
    if cursor.last_key:
        typed = (
            f"{value(given)}::{type_}"
            for given, type_ in zip(cursor.last_key, shape.key_types(at_target=False), strict=True)
        )
        after = f" AND ({key}) > ({', '.join(typed)})"
    return (
        f"SELECT {columns(shape.copied)} FROM {shape.source}"
        f" WHERE {name(TENANT)} = {journey.tenant} AND ({unit.condition}){after}"
        f" ORDER BY {key} LIMIT {size}"
    )


def _last_key(target: Connection, shape: Shape, from_: str) -> tuple[str, ...]:
    """The stage was empty, so its last row in place is the last in the source's order too."""
    texts = ", ".join(f"{name(column)}::text" for column in shape.key)
    return tuple(one(target, f"SELECT {texts} FROM {from_} ORDER BY ctid DESC LIMIT 1"))
