"""A move from end to end: up, further up, down, back; rows equal, the old place empty or closed."""

import json
import time
from typing import Any

from apps.isolation.public import Level
from tests.isolation.moves import usage
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
    assert clerk.differences(tenant.location) == {}
    found = usage.rows(tenant.location, tenant.id)
    ids = {json.loads(row)["id"] for row in found["usage_event"]}
    assert ids >= tracker.events
    assert len(ids) == len(found["usage_event"]) == 3_000 + len(tracker.events)
    months = [json.loads(row) for row in found["usage_rollup"] if '"month"' in row]
    assert [row["count"] for row in months] == [len(tracker.events)]


class TestDatabase:
    def test_it_gets_a_database_of_its_own(self, tenant: Mover) -> None:
        with Clerk(tenant.id, tenant.location) as clerk, Tracker(tenant.id) as tracker:
            move = tenant.move(Level.DEDICATED_DATABASE, driver="database")
            time.sleep(0.3)
        assert (move.status, move.error) == ("completed", "")
        assert tenant.location.alias.startswith("db_")
        assert (clerk.errors, tracker.errors) == ([], [])
        same(tenant, clerk, tracker)

    def test_a_tenant_of_a_schema_goes_further(self, tenant: Mover) -> None:
        before = tenant.rows()
        assert tenant.move(Level.DEDICATED_SCHEMA).status == "completed"
        move = tenant.move(Level.DEDICATED_DATABASE, driver="database")
        assert (move.status, move.error) == ("completed", "")
        assert tenant.rows() == before


class TestDown:
    def test_support_may_let_it_share_again(self, tenant: Mover) -> None:
        before = tenant.rows()
        tenant.move(Level.DEDICATED_SCHEMA)
        with Clerk(tenant.id, tenant.location) as clerk, Tracker(tenant.id) as tracker:
            move = tenant.move(Level.SHARED_SCHEMA, is_support=True)
            time.sleep(0.3)
        assert (move.status, move.error) == ("completed", "")
        assert tenant.location.schema == "tenlyr_shared"
        assert (clerk.errors, tracker.errors) == ([], [])
        same(tenant, clerk, tracker)
        assert len(tenant.rows()["usage_event"]) >= len(before["usage_event"])

    def test_from_a_database_too(self, tenant: Mover) -> None:
        tenant.move(Level.DEDICATED_DATABASE, driver="database")
        with Clerk(tenant.id, tenant.location) as clerk, Tracker(tenant.id) as tracker:
            move = tenant.move(Level.DEDICATED_SCHEMA, is_support=True)
            time.sleep(0.3)
        assert (move.status, move.error) == ("completed", "")
        assert (clerk.errors, tracker.errors) == ([], [])
        same(tenant, clerk, tracker)


class TestRollback:
    def test_it_goes_back_with_what_was_written_since(self, tenant: Mover) -> None:
        first = tenant.move(Level.DEDICATED_SCHEMA)
        with Clerk(tenant.id, tenant.location) as clerk, Tracker(tenant.id) as tracker:
            back = tenant.back(first)
            time.sleep(0.3)
        assert (back.status, back.error, back.is_rollback) == ("completed", "", True)
        first.refresh_from_db()
        assert (first.status, first.purged_at is None) == ("rolled_back", False)
        assert (clerk.errors, tracker.errors) == ([], [])
        same(tenant, clerk, tracker)
