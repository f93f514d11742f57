"""A tenant's database that is away: others go on, and nothing of it is lost."""

import io
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections

from apps.isolation import public as isolation
from apps.metering import elsewhere, outages, purging, readiness, storing, stream
from apps.metering.consumer import Consumer
from apps.metering.errors import Rebuilding
from apps.metering.stream import START, Entry
from tenlyr.core import redis
from tests import cast
from tests.cast import Account, Customer
from tests.metering import second
from tests.metering.support import (
    BOUND_S,
    admit,
    assert_agree,
    caller,
    dead_letters,
    rows,
    store,
)

pytestmark = pytest.mark.usefixtures("one_shard")


OUTAGES = pytest.mark.parametrize(
    "outage", [second.away, second.without_address, second.sealed_elsewhere]
)


@contextmanager
def running() -> Iterator[None]:
    """A consumer at work in a thread of its own."""
    consumer = Consumer()

    def work() -> None:
        try:
            consumer.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        consumer.stop.set()
        thread.join(BOUND_S)
        assert not thread.is_alive()


def waiting() -> list[Entry]:
    """What the shard's stream holds."""
    return stream.read({0: START}, count=1_000)


class TestAway:
    """A database that does not answer costs nobody else anything, and loses nothing."""

    def test_nobody_passes_the_one_that_waits(
        self, acme: Customer, initech: Customer, database: str
    ) -> None:
        for tenant, value in ((acme, 1), (initech, 2), (acme, 3)):
            admit(caller(tenant), value=value)
        held = waiting()
        with second.away(database):
            done = storing.store(held)
            assert (done.events, done.waiting) == (1, {0})
            for mark in done.marks:
                stream.finish(mark)
            assert [int(row.value) for row in rows(acme.id)] == [1]
            # Somebody who had read behind it before.
            behind = storing.store(held[2:])
            assert (behind.events, behind.waiting) == (0, {0})
            place = f"{database}/{isolation.group([initech.id]).popitem()[0].schema}"
            assert readiness.check()["waitingFor"] == {place: [0]}
        outages._outages.clear()
        store()
        for tenant, values in ((acme, [1, 3]), (initech, [2])):
            assert [int(row.value) for row in rows(tenant.id)] == values
            assert_agree(tenant.id)
        assert "waitingFor" not in readiness.check()
        assert stream.is_empty(0)

    @pytest.mark.timeout(5 * BOUND_S)
    @OUTAGES
    def test_other_shards_go_on_and_it_catches_up_by_itself(
        self, initech: Customer, database: str, workspace: Account, monkeypatch: Any, outage: Any
    ) -> None:
        monkeypatch.setattr(redis, "SHARDS", 64)
        store()
        other = tenant_beside(workspace, shards_of(database))
        with running():
            with outage(database):
                for _ in range(3):
                    for tenant in (initech, other):
                        admit(caller(tenant))
                    purging.drain(other.id, BOUND_S)
                assert len(rows(other.id)) == 3
                with pytest.raises(purging.NotDrained):
                    purging.drain(initech.id, timeout_s=0.5)
            # After as long a pause as it was away, and a look or two at whether it answers.
            purging.drain(initech.id, BOUND_S)
        for tenant in (initech, other):
            assert len(rows(tenant.id)) == 3
            assert_agree(tenant.id)

    def test_a_server_that_froze_is_not_waited_for(
        self, acme: Customer, initech: Customer, database: str, monkeypatch: Any
    ) -> None:
        """It has the connection and says nothing: no time-out of a server's ends that."""
        for tenant in (acme, initech):
            admit(caller(tenant))
        with frozen(database), monkeypatch.context() as patch:
            patch.setattr(elsewhere, "WITHIN_S", 0.5)
            done = storing.store(waiting())
            assert (done.events, done.waiting) == (1, {0})
        outages._outages.clear()
        store()
        for tenant in (acme, initech):
            assert len(rows(tenant.id)) == 1
            assert_agree(tenant.id)

    def test_a_lost_database_is_given_up(
        self, acme: Customer, initech: Customer, database: str
    ) -> None:
        """Its events are kept for a person, everybody else's are stored."""
        for tenant in (initech, acme, initech, acme):
            admit(caller(tenant))
        with second.away(database):
            store()
            assert rows(acme.id) == []
            (place,) = readiness.check()["waitingFor"]
            out = io.StringIO()
            call_command("give_up_location", place, stdout=out)
            assert out.getvalue().startswith("2 entries")
            assert len(rows(acme.id)) == 2
            assert_agree(acme.id)
            assert "waitingFor" not in readiness.check()
            with pytest.raises(CommandError, match="Nothing waits"):
                call_command("give_up_location", place)
        assert [reason for _, reason in dead_letters(initech.id)] == [f"{place} is lost"] * 2
        assert stream.is_empty(0)
        outages._outages.clear()
        admit(caller(initech))
        store()
        assert len(rows(initech.id)) == 1

    def test_what_can_wait_nowhere_is_kept_for_a_person(
        self, initech: Customer, database: str
    ) -> None:
        """Read before Redis lost its data, and then the database is away."""
        admit(caller(initech), value=3)
        held = waiting()
        redis.client().flushall()
        store()
        with second.away(database):
            done = storing.store(held)
        assert (done.dead, done.waiting) == (1, set())
        assert [reason for _, reason in dead_letters(initech.id)] == ["its database was away"]
        outages._outages.clear()

    @OUTAGES
    def test_counters_of_others_are_rebuilt_meanwhile(
        self, initech: Customer, database: str, workspace: Account, monkeypatch: Any, outage: Any
    ) -> None:
        monkeypatch.setattr(redis, "SHARDS", 64)
        store()
        waits = shards_of(database)
        other = tenant_beside(workspace, waits)
        for tenant in (other, initech):
            admit(caller(tenant), value=5)
        store()
        with outage(database):
            redis.client().flushall()
            store()
            store()
            assert set(stream.epochs_of(range(64))) == set(range(64)) - waits
            named = readiness.check()["waitingFor"]
            assert {shard for shards in named.values() for shard in shards} == waits
            with pytest.raises(Rebuilding):
                admit(caller(initech))
            admit(caller(other))
        outages._outages.clear()
        store()
        admit(caller(initech))
        store()
        for tenant in (other, initech):
            assert_agree(tenant.id)


@contextmanager
def frozen(database: str) -> Iterator[None]:
    """The server's processes for this process's connections to the database are stopped."""
    with isolation.database_fleet(f"{database}_fleet") as connection:
        pids = [connection.connection.info.backend_pid]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def shards_of(database: str) -> set[int]:
    """The shards of the tenants that live in the database."""
    places = [place for place in isolation.locations() if place.alias == database]
    return {redis.shard_of(one) for place in places for one in isolation.residents(place)}


def tenant_beside(workspace: Account, shards: set[int]) -> Customer:
    """A tenant with shared rows and a shard that is none of these."""
    while True:
        tenant = cast.tenant(workspace, plan="growth")
        if redis.shard_of(tenant.id) not in shards:
            return tenant
