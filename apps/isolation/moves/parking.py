"""Foreign keys and triggers at the target: out of the copy's way, back before the flip; the keys
are proven after it.
"""

import json

from apps.isolation.moves import shapes
from apps.isolation.moves.journey import Journey
from apps.isolation.moves.links import one, run
from apps.isolation.moves.quoting import name, value

FOREIGN_KEYS, TRIGGERS, VACUUMED = (
    (shapes.SQL / f"{file}.sql").read_text() for file in ("foreign_keys", "triggers", "vacuumed")
)
# How the definition ends of a constraint that nobody proved at the target either.
UNPROVEN = (" NOT VALID", " NOT ENFORCED")
# (table, constraint or trigger) -> the constraint's definition, or that it is another thing; tables
# are named as they are written in SQL.
Parked = dict[tuple[str, str], str]
TRIGGER = "TRIGGER"
# An autovacuum of the freshly filled table would make the fence's ALTER TABLE wait a second.
AUTOVACUUM = "AUTOVACUUM"


def park(journey: Journey) -> None:
    """Drop the target's foreign keys, switch its triggers off, and remember both, in one
    transaction. At a shared target they stay: others live there.
    """
    if journey.is_shared_target:
        return
    connection = journey.links.target_owner
    targets = [shape.target for shape in journey.shapes]
    with connection.transaction():
        known = _parked(journey)
        for table, constraint, definition in connection.execute(
            FOREIGN_KEYS, {"tables": targets}
        ).fetchall():
            # One that came back for a fence that failed is known as it was first.
            known.setdefault((table, constraint), definition)
            run(connection, f"ALTER TABLE {table} DROP CONSTRAINT {name(constraint)}")
        for table, trigger in connection.execute(TRIGGERS, {"tables": targets}).fetchall():
            known[table, trigger] = TRIGGER
            run(connection, f"ALTER TABLE {table} DISABLE TRIGGER {name(trigger)}")
        for (table,) in connection.execute(VACUUMED, {"tables": targets}).fetchall():
            known[table, AUTOVACUUM] = AUTOVACUUM
            run(connection, f"ALTER TABLE {table} SET (autovacuum_enabled = false)")
        _remember(journey, known)


def bring_back(journey: Journey) -> list[str]:
    """The statements that switch triggers on and add keys unproven: new rows are checked from now
    on, the copied ones later.
    """
    statements = []
    for (table, constraint), definition in _parked(journey).items():
        if definition == AUTOVACUUM:
            continue
        if definition == TRIGGER:
            statements.append(f"ALTER TABLE {table} ENABLE TRIGGER {name(constraint)}")
            continue
        unproven = "" if definition.endswith(UNPROVEN) else " NOT VALID"
        statements.append(
            f"ALTER TABLE {table} ADD CONSTRAINT {name(constraint)} {definition}{unproven}"
        )
    return statements


def prove(journey: Journey) -> None:
    """Check every copied row against them; writers go on meanwhile. Where the record is cleared
    away an earlier run was through with it.
    """
    connection = journey.links.target_owner
    if run(connection, _record_of(journey)).fetchone() is None:
        return
    for (table, constraint), definition in _parked(journey).items():
        if definition == AUTOVACUUM:
            run(connection, f"ALTER TABLE {table} RESET (autovacuum_enabled)")
        elif definition != TRIGGER and not definition.endswith(UNPROVEN):
            run(connection, f"ALTER TABLE {table} VALIDATE CONSTRAINT {name(constraint)}")


def _parked(journey: Journey) -> Parked:
    row = one(journey.links.target_owner, _record_of(journey))
    return {(table, constraint): definition for table, constraint, definition in row[0]}


def _record_of(journey: Journey) -> str:
    return f"SELECT parked FROM tenlyr_moves.arrival WHERE move_id = {value(str(journey.move.id))}"


def _remember(journey: Journey, known: Parked) -> None:
    written = value(json.dumps([[*key, definition] for key, definition in known.items()]))
    run(
        journey.links.target_owner,
        f"UPDATE tenlyr_moves.arrival SET parked = {written}::jsonb"
        f" WHERE move_id = {value(str(journey.move.id))}",
    )
