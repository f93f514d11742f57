"""A move from end to end: up, further up, down, back; rows equal, the old place empty or closed."""

import json
import time
from typing import Any

from apps.isolation.public import Level
from tests.isolation.moves import shop, usage, writing
from tests.isolation.moves.scene import Mover
from tests.isolation.moves.writing import Clerk, Tracker


class TestUp:
    def test_shared_rows_get_a_schema_of_their_own(self, tenant: Mover) -> None:
        before = tenant.rows()
        move = tenant.move(Level.DEDICATED_SCHEMA)
        assert (move.status, move.error) == ("completed", "")
        assert tenant.location.schema.startswith("t_")
        assert tenant.rows() == before
        assert sum(map(len, before.values())) == move.rows_done == move.rows_total

    def test_nothing_of_the_move_is_left(self, tenant: Mover, leftovers: Any) -> None:
        move = tenant.move(Level.DEDICATED_SCHEMA)
        assert leftovers(move) == []


class TestWhileWritten:
    def test_no_write_is_lost_and_none_refused_for_good(self, tenant: Mover) -> None:
        with Clerk(tenant.id, tenant.location) as clerk, Tracker(tenant.id) as tracker:
            time.sleep(0.3)
            move = tenant.move(Level.DEDICATED_SCHEMA)
            time.sleep(0.3)
        assert (clerk.errors, tracker.errors) == ([], [])
        assert (move.status, move.error) == ("completed", "")
        same(tenant, clerk, tracker)


def same(tenant: Mover, clerk: Clerk, tracker: Tracker) -> None:
    """Every row is where the tenant is now, as the writers know it."""
    assert writing.normal(shop.rows(tenant.location, tenant.id)) == clerk.rows()
    found = usage.rows(tenant.location, tenant.id)
    ids = {json.loads(row)["id"] for row in found["usage_event"]}
    assert ids >= tracker.events
    assert len(ids) == len(found["usage_event"]) == 3_000 + len(tracker.events)
    months = [json.loads(row) for row in found["usage_rollup"] if '"month"' in row]
    assert [row["count"] for row in months] == [len(tracker.events)]
