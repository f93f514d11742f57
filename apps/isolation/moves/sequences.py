"""Sequences behind identity and serial columns: the target's never gives a number twice."""

from apps.isolation.moves import shapes
from apps.isolation.moves.journey import Journey
from apps.isolation.moves.links import Connection, run
from apps.isolation.moves.quoting import value

SEQUENCES = (shapes.SQL / "sequences.sql").read_text()
# Others draw from a shared target's sequences meanwhile: be ahead of them too.
AHEAD = 1_000


def carry(journey: Journey) -> None:
    """Inside the fence: let the target's sequences go on where the source's stand."""
    here = _read(journey.links.source_owner, [shape.source for shape in journey.shapes])
    there = _read(journey.links.target_owner, [shape.target for shape in journey.shapes])
    ahead = AHEAD if journey.is_shared_target else 0
    sets = [
        f"setval({value(sequence)}::regclass, {here[column][1] + ahead})"
        for column, (sequence, last) in there.items()
        if column in here and here[column][1] > last
    ]
    if sets:
        run(journey.links.target_owner, f"SELECT {', '.join(sets)}")


def _read(connection: Connection, tables: list[str]) -> dict[tuple[int, str], tuple[str, int]]:
    rows = connection.execute(SEQUENCES, {"tables": tables}).fetchall()
    return {(place, column): (sequence, last or 0) for place, column, sequence, last in rows}
