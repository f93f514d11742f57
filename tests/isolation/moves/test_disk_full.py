"""The target's disk is full (F74). The file of a relation there is put aside for `/dev/full`: every
write to it ends with the kernel's own ENOSPC, as root or not, and nobody else's disk fills up.
"""

from pathlib import Path
from typing import Any

import pytest

from apps.isolation.moves import running, shapes
from apps.isolation.moves.journey import Journey
from apps.isolation.public import Level, run_move
from tests.core.threads import until
from tests.isolation.databases.second import Second
from tests.isolation.moves import shop
from tests.isolation.moves.scene import Mover
from tests.isolation.moves.writing import Clerk

FULL = Path("/dev/full")


def table_of(journey: Journey) -> str:
    """A table of the operator's at the target."""
    return f'{shop.schema_at(journey.arrival)}."order"'


def keys_of(journey: Journey) -> str:
    """Where a round of replay keeps the keys of that table's changed rows."""
    (shape,) = [one for one in journey.shapes if one.table.name == "order"]
    return shapes.keys(journey.hex, shape)


def fill(far: Second, journey: Journey, relation: str) -> None:
    """From now on the relation, which is empty, has no room; a checkpoint need not sync it."""
    with far.superuser(f"tenlyr_{journey.arrival.alias}") as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT pg_relation_filepath(%s)", [relation]).fetchone()
    assert row is not None
    file = far.postgres.data / row[0]
    assert file.stat().st_size == 0
    file.unlink()
    file.symlink_to(FULL)


@pytest.mark.parametrize(("step", "where"), [("copy", table_of), ("catch_up", keys_of)])
def test_the_tenant_stays_at_work_and_a_retry_finishes(
    mover: Mover, far: Second, leftovers: Any, step: str, where: Any
) -> None:
    source, databases = mover.location, far.databases()
    work = running.STEPS[step]
    with Clerk(mover.id, source, 0.005) as clerk:

        def full(journey: Journey) -> None:
            fill(far, journey, where(journey))
            written = len(clerk.waits_ms)
            until(lambda: len(clerk.waits_ms) >= written + 30 or bool(clerk.errors))
            work(journey)

        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(running.STEPS, step, full)
            move = mover.move(Level.DEDICATED_DATABASE, driver="database")
        assert (move.status, move.error) == ("failed", "The target has no space left.")
        assert (mover.location, leftovers(move)) == (source, [])
        assert far.databases() == databases
        written = len(clerk.waits_ms)
        until(lambda: len(clerk.waits_ms) >= written + 10 or bool(clerk.errors))
        again = run_move(mover.start(Level.DEDICATED_DATABASE, driver="database").id)
    assert (again.status, again.error, clerk.errors) == ("completed", "", [])
    assert clerk.differences(mover.location) == {}
