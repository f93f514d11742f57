"""The full comparison, outside the fence: every row that is not waiting in the log.

Only the mover writes at the target, so the rows that did not change since the last round must be
equal. Those that did change are compared by the round that brings them.
"""

from concurrent.futures import ThreadPoolExecutor

from psycopg import errors as postgres

from apps.isolation.moves import digests, progress, replaying
from apps.isolation.moves.digests import Digest
from apps.isolation.moves.errors import MoveFailed
from apps.isolation.moves.journey import Journey
from apps.isolation.moves.links import run
from apps.isolation.moves.quoting import name
from apps.isolation.moves.shapes import TENANT, Shape, keys

# A log this short is replayed in a few milliseconds; what a busy tenant writes during a round may
# be more, and then rounds soon stop getting shorter.
FEW = 30
MOST_ROUNDS = 50
FEWER = 0.7


def verify(journey: Journey) -> None:
    """Step `verify`. Raises `MoveFailed` with the table that differs."""
    _analyze(journey)
    catch_up_once(journey)
    found = {}
    for shape in journey.shapes:
        journey.breathe()
        here, there = _both(journey, shape)
        if here != there:
            raise MoveFailed(
                f"Table {shape.table.name} differs: {here.rows} rows at the source,"
                f" {there.rows} at the target{_but_equal(here, there)}."
            )
        found[shape.table.name] = here.text
    journey.note(digests=found)


def _analyze(journey: Journey) -> None:
    """The tenant's queries are planned at the target from the flip on."""
    if not journey.is_shared_target:
        targets = ", ".join(shape.target for shape in journey.shapes)
        run(journey.links.target_owner, f"ANALYZE {targets}")


def _but_equal(here: Digest, there: Digest) -> str:
    return ", with other values" if here.rows == there.rows else ""


def _both(journey: Journey, shape: Shape) -> tuple[Digest, Digest]:
    """The digests of both sides, at the source as of the moment whose log is left out."""
    source, target = journey.links.source, journey.links.target
    with target.transaction(), source.transaction():
        progress.claim(journey)
        run(source, f"{replaying.SNAPSHOT}, READ ONLY")
        replaying.send_keys(journey, shape)
        changed = f"({replaying.changed_keys(journey, shape)})"
        with ThreadPoolExecutor(1) as pool:
            arrived = _unchanged(journey, shape.target, keys(journey.hex, shape), shape)
            there = pool.submit(digests.of, target, shape, arrived)
            here = digests.of(source, shape, _unchanged(journey, shape.source, changed, shape))
            return here, there.result()


def _unchanged(journey: Journey, relation: str, changed: str, shape: Shape) -> str:
    same = " AND ".join(f"k.{name(column)} = t.{name(column)}" for column in shape.key)
    return (
        f"{relation} AS t WHERE t.{name(TENANT)} = {journey.tenant}"
        f" AND NOT EXISTS (SELECT FROM {changed} AS k WHERE {same})"
    )


def catch_up(journey: Journey) -> None:
    """Step `catch_up`: rounds until the log is short, so that the fence will be."""
    before = float("inf")
    for _ in range(MOST_ROUNDS):
        journey.breathe()
        changes = catch_up_once(journey)
        if changes < FEW or changes > FEWER * before:
            return
        before = changes


def catch_up_once(journey: Journey) -> int:
    """A round; where a row's partition is younger than the target's, it is made first."""
    try:
        return replaying.catch_up(journey)
    except postgres.CheckViolation:
        journey.prepare_parts()
        return replaying.catch_up(journey)


def certificate(journey: Journey) -> dict[str, dict[str, str]]:
    """The digests of the whole source, which nobody writes to any more: compared again before
    the purge, over the columns that there are now.
    """
    return {
        shape.source: {
            "row": shape.hashed,
            "digest": digests.of_tenant(
                journey.links.source, shape.source, shape.hashed, journey.tenant
            ).text,
        }
        for shape in journey.shapes
    }
