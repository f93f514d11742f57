"""A tenant that is deleted while it moves, or after it moved: nothing is left of it anywhere
(R17).
"""

import os
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.db import OperationalError

from apps.isolation import public as isolation
from apps.isolation.moves import undoing
from apps.isolation.moves.purging import purge_due
from apps.isolation.public import Level, Location, Move
from apps.metering.public import ensure_partitions
from apps.tenants import lifecycle, moving, purging
from apps.tenants.models import DeletionCertificate
from apps.webhooks.models import OutboxEvent
from tenlyr.core import clock
from tests import cast
from tests.cast import Account, Api, Customer
from tests.dataplane import plane
from tests.metering.support import store

LATER = purging.SETTLED_AFTER + timedelta(seconds=1)
EVENTS = 3


@pytest.fixture(autouse=True)
def _stored() -> None:
    """Other tests may have left events unstored, and a purge waits for its shard."""
    store()


@pytest.fixture
def used(acme: Customer) -> Customer:
    """A tenant with a few stored events."""
    ensure_partitions()
    for _ in range(EVENTS):
        event = {"metric": "api_call", "value": 1}
        assert Api().post("/api/v1/usage/track", event, key=acme.key).status == 201
    store()
    return acme


def who(tenant: Customer) -> dict[str, Any]:
    return {"workspace_id": tenant.workspace.id, "tenant_id": tenant.id}


def rows_at(location: Location, tenant_id: UUID) -> int:
    """The tenant's events at a Location, whether it lives there or not."""
    with isolation.fleet(location) as here, here.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM usage_event WHERE tenant_id = %s", [tenant_id])
        return int(cursor.fetchone()[0])


def home(tenant: Customer) -> Location:
    (location,) = isolation.group([tenant.id])
    return location


def moved(tenant: Customer, target: Level) -> Move:
    move = isolation.run_move(moving.start(**who(tenant), target=target).id)
    assert (move.status, move.error) == ("completed", "")
    return move


class TestAfterARollback:
    @pytest.fixture
    def returned(self, globex: Customer) -> tuple[Customer, Location]:
        """A tenant that went from its schema to a database and back, and its first schema."""
        first = home(globex)
        move = moved(globex, Level.DEDICATED_DATABASE)
        back = moving.roll_back(workspace_id=globex.workspace.id, move_id=move.id)
        assert isolation.run_move(back.id).status == "completed"
        assert home(globex) != first
        return globex, first

    def test_its_first_schema_is_purged_when_the_grace_is_over(
        self, returned: tuple[Customer, Location]
    ) -> None:
        tenant, first = returned
        assert first in isolation.locations()
        with time_machine.travel(clock.now() + timedelta(days=8)):
            assert purge_due() >= 2
        assert first not in isolation.locations()
        assert home(tenant) in isolation.locations()

    def test_its_first_schema_goes_with_the_tenant(
        self, returned: tuple[Customer, Location]
    ) -> None:
        tenant, first = returned
        lifecycle.delete(**who(tenant))
        purging.purge(tenant.id)
        assert isolation.locations().count(first) == 0
        assert not Move.objects.filter(tenant_id=tenant.id, purged_at=None).exists()


class TestTheOperatorsRows:
    @pytest.mark.parametrize("target", [Level.DEDICATED_SCHEMA, Level.DEDICATED_DATABASE])
    def test_they_go_at_both_places(self, workspace: Account, target: Level) -> None:
        plane.release(workspace)
        leaver, neighbour = (cast.tenant(workspace) for _ in range(2))
        sessions = [plane.Session(one, os.environ["DATABASE_URL"]) for one in (leaver, neighbour)]
        for session in sessions:
            plane.furnish(session, str(session.customer.id))
        moved(leaver, target)
        lifecycle.delete(**who(leaver))
        purging.purge(leaver.id)
        assert notes_of(workspace) == {neighbour.id}
        with time_machine.travel(clock.now() + LATER):
            assert purging.purge(leaver.id) is True
        assert sessions[1].run("SELECT count(*) FROM customers") == [(2,)]


def notes_of(workspace: Account) -> set[UUID]:
    """The tenants that have notes in the schema that the workspace's tenants share."""
    schema = f"op_{workspace.id.hex}"
    with isolation.control_fleet() as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT tenant_id FROM {schema}.notes")
        return {tenant_id for (tenant_id,) in cursor.fetchall()}


class TestWhileItMoves:
    def test_the_move_fails_and_leaves_nothing(self, used: Customer) -> None:
        move = moving.start(**who(used), target=Level.DEDICATED_DATABASE)
        lifecycle.delete(**who(used))
        ended = isolation.run_move(move.id)
        assert (ended.status, ended.flipped_at) == ("failed", None)
        assert ended.error == "The tenant was deleted during the migration."
        told = OutboxEvent.objects.filter(tenant_id=used.id).exclude(type="alert.created")
        told = told.order_by("created_at", "id")
        assert [event.type for event in told][-2:] == [
            "tenant.deleted",
            "isolation.migration_failed",
        ]

    def test_who_runs_it_is_stopped_before_the_flip(self, used: Customer) -> None:
        deleted: list[UUID] = []

        def delete_meanwhile(move: Move) -> None:
            if move.step == "capture" and not deleted:
                deleted.append(used.id)
                lifecycle.delete(**who(used))

        started = moving.start(**who(used), target=Level.DEDICATED_SCHEMA)
        stopped = isolation.run_move(started.id, on_progress=delete_meanwhile)
        assert (deleted, stopped.flipped_at) == ([used.id], None)
        assert isolation.run_move(started.id).status == "failed"
        target = Move.objects.get(pk=started.id).target
        assert target is None, "its schema is dropped"

    def test_the_purge_waits_for_its_end(self, used: Customer) -> None:
        move = moving.start(**who(used), target=Level.DEDICATED_SCHEMA)
        lifecycle.delete(**who(used))
        with time_machine.travel(clock.now() + LATER):
            assert purging.purge(used.id) is False
            isolation.run_move(move.id)
            assert purging.purge(used.id) is True
        assert isolation.level_of([used.id]) == {}


class TestAfterItMoved:
    @pytest.mark.parametrize("target", [Level.DEDICATED_SCHEMA, Level.DEDICATED_DATABASE])
    def test_both_places_are_purged_at_once(self, used: Customer, target: Level) -> None:
        source = home(used)
        moved(used, target)
        assert rows_at(source, used.id) == rows_at(home(used), used.id) == EVENTS
        lifecycle.delete(**who(used))
        purging.purge(used.id)
        assert rows_at(source, used.id) == rows_at(home(used), used.id) == 0
        counts = DeletionCertificate.objects.get(pk=used.id).counts
        assert counts[purging.EARLIER_PLACES] >= EVENTS

    def test_and_the_certificate_is_sealed_later(self, used: Customer) -> None:
        moved(used, Level.DEDICATED_DATABASE)
        lifecycle.delete(**who(used))
        with time_machine.travel(clock.now() + LATER):
            assert purging.purge(used.id) is True
        done = DeletionCertificate.objects.get(pk=used.id)
        assert done.sha256 == purging.seal(done)
        assert not Move.objects.filter(tenant_id=used.id, purged_at=None).exists()

    def test_a_place_that_cannot_be_reached_delays_the_certificate(
        self, used: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        moved(used, Level.DEDICATED_SCHEMA)
        lifecycle.delete(**who(used))

        def away(claim: object, row: object) -> int:
            raise OperationalError("away")

        with time_machine.travel(clock.now() + LATER):
            with monkeypatch.context() as patched:
                patched.setattr(undoing, "drop_from", away)
                assert purging.purge(used.id) is False
            assert purging.purge(used.id) is True
