"""Sequences behind columns, and those beside them: the target's never gives a number twice."""

from apps.isolation.moves import shapes
from apps.isolation.moves.journey import Journey
from apps.isolation.moves.links import Connection
from apps.isolation.moves.quoting import value

SEQUENCES = (shapes.SQL / "sequences.sql").read_text()
# Others draw from a shared target's sequences meanwhile: be ahead of them too.
AHEAD = 1_000
# (place of the table, column or name) -> the sequence meant and the last value it gave
Ends = dict[tuple[int, str], tuple[str, int]]


def ends(journey: Journey) -> Ends:
    """The target's sequences, as they stand before the fence."""
    return _read(journey.links.target_owner, [shape.target for shape in journey.shapes])


def carry(journey: Journey, there: Ends) -> list[str]:
    """Inside the fence: what lets the target's sequences go on where the source's stand."""
    if not there:
        return []
    here = _read(journey.links.source_owner, [shape.source for shape in journey.shapes])
    ahead = AHEAD if journey.is_shared_target else 0
    return [
        f"SELECT setval({value(sequence)}::regclass, {here[column][1] + ahead})"
        for column, (sequence, last) in there.items()
        if column in here and here[column][1] > last
    ]


def _read(connection: Connection, tables: list[str]) -> Ends:
    rows = connection.execute(SEQUENCES, {"tables": tables}).fetchall()
    return {(place, column): (sequence, last or 0) for place, column, sequence, last in rows}
