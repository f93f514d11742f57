"""Catching up: the rows whose keys are in the log are made equal to the source, as of one moment.

Replay takes the source's present row, not the change, so it may be repeated and needs no order.
A round is complete: everything in the log at its moment, and afterwards the two sides are equal
at that moment. Each round compares the digests of the rows it brought.
"""

from apps.isolation.moves import capturing, dependants, digests, progress
from apps.isolation.moves.copying import insert, pipe
from apps.isolation.moves.errors import MoveFailed
from apps.isolation.moves.journey import Journey
from apps.isolation.moves.links import run
from apps.isolation.moves.quoting import columns, name, value
from apps.isolation.moves.shapes import TENANT, Shape, keys, stage

# Few keys against many rows: anything but probing the key's index would read whole tables.
PROBE = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"


def catch_up(journey: Journey) -> int:
    """One round; answers how many changes it took out of the log.

    The source's transaction commits last: a run that dies between leaves the log as it was.
    """
    source, target = journey.links.source, journey.links.target
    with source.transaction(), target.transaction():
        progress.claim(journey)
        run(source, f"{SNAPSHOT}; {PROBE}")
        run(target, PROBE)
        dirty = _dirty(journey)
        # A table that becomes dirty by its dependants must not find the last round's keys.
        for shape in journey.shapes if journey.is_shared_target else dirty:
            send_keys(journey, shape)
        if journey.is_shared_target:
            dependants.include(journey)
            dirty = _dirty(journey)
        if not dirty:
            return 0
        for shape in dirty:
            _fetch(journey, shape)
        # Who refers goes first and comes last. Few messages: in the fence writers wait for them.
        changes = [_delete(journey, shape) for shape in reversed(dirty)]
        changes += [insert(shape, stage(journey.hex, shape)) for shape in dirty]
        run(target, "; ".join(changes))
        _compare(journey, dirty)
        return run(source, f"DELETE FROM {capturing.change(journey.hex)}").rowcount


def changed_keys(journey: Journey, shape: Shape) -> str:
    """A query of the keys in the log, typed as at the source."""
    typed = ", ".join(
        f"(key ->> {place})::{type_} AS {name(column)}"
        for place, (column, type_) in enumerate(
            zip(shape.key, shape.key_types(at_target=False), strict=True)
        )
    )
    log = capturing.change(journey.hex)
    return f"SELECT DISTINCT {typed} FROM {log} WHERE tbl = {value(shape.label)}"


def send_keys(journey: Journey, shape: Shape) -> None:
    """Let the target know which rows are meant."""
    into = keys(journey.hex, shape)
    run(
        journey.links.target,
        f"DELETE FROM {into}; DELETE FROM {stage(journey.hex, shape)}",
    )
    query = changed_keys(journey, shape)
    pipe(journey.links.source, journey.links.target, query, into, shape)


def _dirty(journey: Journey) -> list[Shape]:
    log = capturing.change(journey.hex)
    labels = {row[0] for row in run(journey.links.source, f"SELECT DISTINCT tbl FROM {log}")}
    found = [shape for shape in journey.shapes if shape.label in labels]
    if len(found) < len(labels):
        raise MoveFailed("A table was taken away during the migration.")
    return found


def _rows_of(journey: Journey, relation: str, key_rows: str, shape: Shape) -> str:
    """A FROM clause: the tenant's rows of a relation that have one of the keys."""
    matches = " AND ".join(f"r.{name(column)} = k.{name(column)}" for column in shape.key)
    return (
        f"{key_rows} AS k CROSS JOIN LATERAL (SELECT * FROM {relation} AS r"
        f" WHERE r.{name(TENANT)} = {journey.tenant} AND {matches} LIMIT 1) AS t"
    )


def _delete(journey: Journey, shape: Shape) -> str:
    matches = " AND ".join(f"t.{name(column)} = k.{name(column)}" for column in shape.key)
    return (
        f"DELETE FROM {shape.target} AS t USING {keys(journey.hex, shape)} AS k"
        f" WHERE t.{name(TENANT)} = {journey.tenant} AND {matches}"
    )


def _fetch(journey: Journey, shape: Shape) -> None:
    """The rows of the changed keys, as they are at the source, to the stage."""
    into = f"{stage(journey.hex, shape)} ({columns(shape.copied)})"
    rows = _rows_of(journey, shape.source, f"({changed_keys(journey, shape)})", shape)
    query = f"SELECT {columns(shape.copied, 't')} FROM {rows}"
    pipe(journey.links.source, journey.links.target, query, into, shape)


def _compare(journey: Journey, dirty: list[Shape]) -> None:
    here = digests.of_all(
        journey.links.source,
        [
            (one, _rows_of(journey, one.source, f"({changed_keys(journey, one)})", one))
            for one in dirty
        ],
    )
    there = digests.of_all(
        journey.links.target,
        [(one, _rows_of(journey, one.target, keys(journey.hex, one), one)) for one in dirty],
    )
    for shape, source, target in zip(dirty, here, there, strict=True):
        if source != target:
            raise MoveFailed(f"Changed rows of table {shape.table.name} differ after their replay.")
