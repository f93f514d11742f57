"""At a shared target foreign keys stay in force: who refers to a row that is brought anew is
brought anew with it.

Otherwise the delete before the insert would cascade to rows, or null columns, that no log names.
"""

from apps.isolation.moves import capturing, shapes
from apps.isolation.moves.journey import Journey
from apps.isolation.moves.links import run
from apps.isolation.moves.quoting import columns, name, value
from apps.isolation.moves.shapes import TENANT, Shape, keys

DEPENDANTS = (shapes.SQL / "dependants.sql").read_text()
# (who refers, by which columns, to whom, to which columns)
Reference = tuple[Shape, list[str], Shape, list[str]]


def include(journey: Journey) -> None:
    """Add the keys of all rows that refer to changed ones, and of those that refer to them, to
    the log and to the target's keys.
    """
    references = _references(journey)
    # Nobody promises an index on the columns that refer.
    run(journey.links.target, "SET LOCAL enable_hashjoin = on")
    while any(_follow(journey, *reference) for reference in references):
        pass


def _references(journey: Journey) -> list[Reference]:
    by_place = dict(enumerate(journey.shapes, 1))
    targets = [shape.target for shape in journey.shapes]
    rows = journey.links.target_owner.execute(DEPENDANTS, {"tables": targets}).fetchall()
    return [(by_place[child], by, by_place[parent], to) for child, parent, by, to in rows]


def _follow(journey: Journey, child: Shape, by: list[str], parent: Shape, to: list[str]) -> bool:
    """One step along one foreign key; answers whether it found rows that were not known."""
    pairs = zip(by, to, strict=True)
    refers = " AND ".join(f"c.{name(one)} = p.{name(other)}" for one, other in pairs)
    changed = " AND ".join(f"p.{name(column)} = k.{name(column)}" for column in parent.key)
    known = " AND ".join(f"c.{name(column)} = o.{name(column)}" for column in child.key)
    found = run(
        journey.links.target,
        f"INSERT INTO {keys(journey.hex, child)} ({columns(child.key)})"
        f" SELECT DISTINCT {columns(child.key, 'c')} FROM {keys(journey.hex, parent)} AS k"
        f" JOIN {parent.target} AS p ON p.{name(TENANT)} = {journey.tenant} AND {changed}"
        f" JOIN {child.target} AS c ON c.{name(TENANT)} = {journey.tenant} AND {refers}"
        f" WHERE NOT EXISTS (SELECT FROM {keys(journey.hex, child)} AS o WHERE {known})"
        f" RETURNING jsonb_build_array({columns(child.key)})::text",
    ).fetchall()
    if found:
        log, label = capturing.change(journey.hex), value(child.label)
        rows = ", ".join(f"({label}, {value(key)}::jsonb)" for (key,) in found)
        run(journey.links.source, f"INSERT INTO {log} (tbl, key) VALUES {rows}")
    return bool(found)
