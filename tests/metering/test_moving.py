"""Usage moves with its tenant: held for an instant, whole at every place, counters untouched."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction

from apps.isolation import models, parts
from apps.isolation import public as isolation
from apps.isolation.databases import providing
from apps.isolation.public import Level, Location, MoveBusy, run_move, start_move
from apps.metering import moving, partitions, purging, storing, stream
from apps.metering.consumer import Consumer
from apps.metering.moving import Usage
from apps.metering.stream import START, Entry
from tenlyr.core import clock, redis
from tests.cast import Customer
from tests.metering.stored import forget_ids
from tests.metering.support import BOUND_S, admit, assert_agree, caller, rows, store


@pytest.fixture(autouse=True)
def _open() -> None:
    """Every shard is ready, and nothing waits from before."""
    store()


@pytest.fixture
def elsewhere_is_ahead(monkeypatch: pytest.MonkeyPatch, initech: Customer) -> None:
    """The other database committed, and then the control plane's commit failed."""
    admit(caller(initech))
    monkeypatch.setattr(storing._Batch, "_advance", _fail)
    with pytest.raises(DatabaseError):
        storing.store(waiting(initech))
    monkeypatch.undo()


def _fail(_batch: Any) -> None:
    raise DatabaseError("lost")


def waiting(tenant: Customer) -> list[Entry]:
    """What the tenant's stream holds."""
    return stream.read({redis.shard_of(tenant.id): START}, count=1_000)


def store_and_leave() -> None:
    """`store` in a thread of its own."""
    try:
        store()
    finally:
        connections.close_all()


def place_of(tenant: Customer) -> Location:
    """Where the tenant lives."""
    (place,) = isolation.group([tenant.id])
    return place


class TestHold:
    def test_it_is_the_same_part_that_is_registered(self) -> None:
        assert isinstance({part.name: part for part in parts.parts()}["usage"], Usage)

    def test_nothing_is_stored_and_everything_accepted(self, acme: Customer) -> None:
        with Usage().hold(acme.id):
            admit(caller(acme))
            thread = threading.Thread(target=store_and_leave)
            thread.start()
            time.sleep(0.3)
            assert rows(acme.id) == []
        thread.join(BOUND_S)
        assert not thread.is_alive()
        store()
        assert len(rows(acme.id)) == 1

    @pytest.mark.parametrize("level", ["acme", "initech"])
    def test_two_at_once_are_one_too_many(self, level: str, request: Any) -> None:
        tenant: Customer = request.getfixturevalue(level)
        with Usage().hold(tenant.id), pytest.raises(MoveBusy), Usage().hold(tenant.id):
            raise AssertionError("held twice")
        with Usage().hold(tenant.id):
            pass

    def test_not_before_the_store_has_told_all(
        self, initech: Customer, elsewhere_is_ahead: None
    ) -> None:
        with pytest.raises(MoveBusy, match="does not know of"), Usage().hold(initech.id):
            raise AssertionError("held")
        store()
        with Usage().hold(initech.id):
            pass
        assert_agree(initech.id)

    def test_not_to_a_place_that_is_ahead(
        self, initech: Customer, acme: Customer, elsewhere_is_ahead: None, monkeypatch: Any
    ) -> None:
        """It would skip what the tenant brings."""
        shard = redis.shard_of(initech.id)
        monkeypatch.setattr(redis, "shard_of", lambda _: shard)
        source, target = place_of(acme), place_of(initech)
        with Usage().hold(acme.id), pytest.raises(MoveBusy):
            Usage().arrive(acme.id, source, target, 2)
        monkeypatch.undo()
        store()

    def test_a_hold_that_was_lost_is_noticed(self, acme: Customer, globex: Customer) -> None:
        source, target = place_of(acme), place_of(globex)
        with Usage().hold(acme.id):
            Usage().arrive(acme.id, source, target, 2)
            moving._holds.open[acme.id].cursor.connection.close()
            with pytest.raises(DatabaseError):
                Usage().arrive(acme.id, source, target, 2)


class TestTables:
    def test_the_target_gets_the_months_of_its_rows(self, acme: Customer, globex: Customer) -> None:
        admit(caller(acme))
        store()
        source, target = place_of(acme), place_of(globex)
        for _ in range(2):
            Usage().prepare(acme.id, source, target)
            assert partitions.of_location(target) >= partitions.wanted()
        names = [table.name for table in Usage().tables(acme.id, source, target)]
        assert names == ["usage_event", "usage_minute", "usage_rollup"]

    def test_drop_takes_the_rows_where_the_tenant_does_not_live(
        self, acme: Customer, stranger: Customer, globex: Customer, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr(moving, "DROPPED_AT_ONCE", 2)
        # One moment: all of them are of one minute.
        now = clock.iso(clock.now())
        for tenant in (acme, stranger):
            for _ in range(5):
                admit(caller(tenant), timestamp=now)
        store()
        shared = place_of(acme)
        with pytest.raises(ValueError, match="lives at"):
            Usage().drop(acme.id, shared)
        models.Placement.objects.filter(pk=acme.id).update(location_id=place_of(globex).id)
        assert Usage().drop(acme.id, shared) == 5 + 1 + 3
        assert Usage().drop(acme.id, shared) == 0
        assert Usage().drop(acme.id, Location(0, "default", "t_" + 32 * "0")) == 0
        assert len(rows(stranger.id)) == 5
        models.Placement.objects.filter(pk=acme.id).update(location_id=shared.id)


class Tracker:
    """Tracks without a pause, some ids twice; counts what was refused."""

    def __init__(self, tenant: Customer) -> None:
        self.who, self.tenant = caller(tenant), tenant
        self.sent: set[bytes] = set()
        self.refused: list[Any] = []
        self._stop = threading.Event()

    def work(self) -> None:
        number = 0
        while not self._stop.wait(0.004):
            number += 1
            if number % 50 == 0:
                forget_ids(self.tenant)
            outcome: Any = admit(self.who, id=f"{number - number % 7 % 3}", value=2)
            if isinstance(outcome, Exception):
                self.refused.append(outcome)
            else:
                self.sent.add(outcome.id)


@contextmanager
def at_work(*works: Any) -> Iterator[None]:
    """Trackers and consumers, each in a thread of its own."""

    def run(work: Any) -> None:
        try:
            work.run() if isinstance(work, Consumer) else work.work()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for work, thread in zip(works, threads, strict=True):
            (work.stop if isinstance(work, Consumer) else work._stop).set()
            thread.join(BOUND_S)
            assert not thread.is_alive()


def move(tenant: Customer, target: Level, **more: Any) -> models.Move:
    """Move the tenant, here and now."""
    with transaction.atomic():
        begun = start_move(
            workspace_id=tenant.workspace.id, tenant_id=tenant.id, target=target, **more
        )
    # Passing trouble ends a run; a worker goes on with the next.
    while (done := run_move(begun.id)).status in ("pending", "in_progress"):
        pass
    return done


@pytest.fixture
def only_usage() -> Iterator[None]:
    """Nothing else moves."""
    before = dict(parts._parts)
    parts._parts.clear()
    parts.register(Usage())
    known = {database.alias for database in models.Database.objects.all()}
    yield
    parts._parts.clear()
    parts._parts.update(before)
    for database in models.Database.objects.exclude(pk__in=known):
        providing.retire(database.alias)


class TestMoves:
    def test_up_and_down_again_while_it_is_tracked(self, acme: Customer, only_usage: None) -> None:
        """Every accepted event once, at every level, with rollups and counters."""
        tracker = Tracker(acme)
        journey: list[tuple[Level, dict[str, Any]]] = [
            (Level.DEDICATED_SCHEMA, {}),
            (Level.DEDICATED_DATABASE, {"driver": "database"}),
            (Level.SHARED_SCHEMA, {"is_support": True}),
        ]
        with at_work(tracker, Consumer()):
            for target, more in journey:
                done = move(acme, target, **more)
                assert (done.status, done.error) == ("completed", "")
            purging.drain(acme.id, BOUND_S)
        store()
        assert tracker.refused == []
        assert {row.id.bytes for row in rows(acme.id)} == tracker.sent
        assert_agree(acme.id)
