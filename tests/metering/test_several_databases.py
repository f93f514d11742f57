"""The store over several databases: each event once, wherever somebody dies between two commits."""

import os
import random
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.isolation import public as isolation
from apps.isolation.public import database_fleet
from apps.metering import (
    elsewhere,
    holding,
    outages,
    partitions,
    periods,
    purging,
    selectors,
    storing,
    stream,
)
from apps.metering.public import ensure_partitions
from apps.metering.stream import START, Entry
from tenlyr.core import redis
from tests.cast import Customer
from tests.metering import second
from tests.metering.stored import forget_ids
from tests.metering.support import (
    admit,
    assert_agree,
    caller,
    dead_letters,
    rows,
    spoilt,
    store,
)

pytestmark = pytest.mark.usefixtures("one_shard")


class Killed(BaseException):
    """The process is gone."""


@contextmanager
def struck(strike: Callable[[str, Any], None]) -> Iterator[None]:
    """Call `strike` with each moment: before or after a commit, there or here."""
    whole = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

    def commit(self: Any) -> None:
        place = "there" if self.alias.startswith("db_") else "here"
        if self.alias.endswith("fleet"):
            strike(f"before the commit {place}", self)
        whole(self)
        if self.alias.endswith("fleet"):
            strike(f"after the commit {place}", self)

    BaseDatabaseWrapper._commit = commit  # type: ignore[attr-defined]
    try:
        yield
    finally:
        BaseDatabaseWrapper._commit = whole  # type: ignore[attr-defined]


def die() -> None:
    """Lose every connection at once, as a killed process does."""
    for connection in connections.all(initialized_only=True):
        raw: Any = connection.connection
        if raw is not None:
            raw.close()
    raise Killed


def survive() -> None:
    """What a new process begins with."""
    for connection in connections.all(initialized_only=True):
        connection.close()
    outages._outages.clear()


def waiting() -> list[Entry]:
    """What the shard's stream holds."""
    return stream.read({0: START}, count=1_000)


def kept(alias: str) -> tuple[int, dict[str, Any]]:
    """Fence, and what the other database still tells."""
    with database_fleet(f"{alias}_fleet") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT fence, told FROM public.metering_shard WHERE shard = 0")
        found: tuple[int, dict[str, Any]] = cursor.fetchone()
        return found


class TestStored:
    def test_rows_and_rollups_are_there_and_only_there(
        self, acme: Customer, initech: Customer, hooli: Customer
    ) -> None:
        for number, tenant in enumerate((acme, initech, hooli), 1):
            for _ in range(number):
                admit(caller(tenant), value=2)
        store()
        for number, tenant in enumerate((acme, initech, hooli), 1):
            assert len(rows(tenant.id)) == number
            assert_agree(tenant.id)
        assert stream.is_empty(0)

    def test_replays_change_nothing(self, acme: Customer, initech: Customer) -> None:
        for tenant in (acme, initech, initech):
            admit(caller(tenant))
        held = waiting()
        assert [storing.store(held).events for _ in range(3)] == [3, 0, 0]
        store()
        assert_agree(initech.id)

    def test_a_late_duplicate_is_taken_back_once(self, initech: Customer, database: str) -> None:
        admit(caller(initech), id="a", value=5)
        store()
        forget_ids(initech)
        admit(caller(initech), id="a", value=7)
        store()
        store()
        assert len(rows(initech.id)) == 1
        assert_agree(initech.id)

    def test_poison_there_is_kept_here(self, initech: Customer) -> None:
        admit(caller(initech), endpoint="/good")
        (good,) = waiting()
        bad = spoilt(good.rows, "time")
        redis.client().xadd(redis.stream(0), {"e": str(good.epoch), "n": "1", "b": bad})
        admit(caller(initech), endpoint="/good")
        store()
        assert [row.endpoint for row in rows(initech.id)] == ["/good", "/good"]
        assert len(dead_letters(initech.id)) == 1
        assert stream.is_empty(0)


MOMENTS = [
    f"{when} the commit {where}" for where in ("there", "here") for when in ("before", "after")
]


class Fate:
    """What happens to tenants and the store, by the dice."""

    def __init__(self, seed: int, tenants: list[Customer]) -> None:
        self.dice = random.Random(seed)
        self.tenants = tenants
        self.sent: dict[UUID, set[bytes]] = {tenant.id: set() for tenant in tenants}
        self.deaths = 0

    def track(self) -> None:
        """A few events; their ids come again, and sometimes nobody remembers them."""
        if self.dice.random() < 0.5:
            forget_ids(self.tenants[0])
        for tenant in self.dice.choices(self.tenants, k=self.dice.randrange(6)):
            name, value = f"id {self.dice.randrange(20)}", self.dice.randrange(1, 9)
            outcome: Any = admit(caller(tenant), id=name, value=value)
            self.sent[tenant.id].add(outcome.id)

    def store(self) -> None:
        """One transaction of the store, which may not live to let go of what it stored."""
        with struck(self.strike):
            try:
                done = storing.store(waiting()[: self.dice.randrange(1, 12)])
                if self.dice.random() < 0.7:
                    for mark in done.marks:
                        stream.finish(mark)
            except (Killed, OperationalError):
                pass
        survive()

    def strike(self, _now: str, connection: Any) -> None:
        """Die now, or lose only this connection, or nothing."""
        if self.dice.random() < 0.25:
            self.deaths += 1
            if self.dice.random() < 0.7:
                die()
            connection.connection.close()
            raise OperationalError("the connection was lost")


class TestCrashes:
    @pytest.mark.parametrize("moment", MOMENTS)
    @pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "connection lost"])
    def test_at_each_moment(
        self, acme: Customer, initech: Customer, moment: str, is_killed: bool
    ) -> None:
        """Rows, rollups, and a correction that is owed."""
        admit(caller(initech), id="twice", value=3)
        store()
        forget_ids(initech)
        for tenant in (acme, initech):
            admit(caller(tenant), id="twice", value=4)
            admit(caller(tenant), value=1)
        fallen: list[str] = []

        def strike(now: str, connection: Any) -> None:
            if now != moment or fallen:
                return
            fallen.append(now)
            if is_killed:
                die()
            connection.connection.close()
            raise OperationalError("the connection was lost")

        with struck(strike):
            try:
                storing.store(waiting())
            except (Killed, OperationalError):
                survive()
        assert fallen == [moment]
        survive()
        store()
        for tenant, count in ((acme, 2), (initech, 2)):
            assert len(rows(tenant.id)) == count
            assert_agree(tenant.id)

    @pytest.mark.parametrize("seed", range(6))
    def test_at_many_random_moments(
        self, acme: Customer, globex: Customer, initech: Customer, hooli: Customer, seed: int
    ) -> None:
        """Batches of any size, ids that come again, and a death every few commits."""
        ensure_partitions()
        fate = Fate(seed, [acme, globex, initech, hooli])
        for _ in range(25):
            fate.track()
            fate.store()
        store()
        assert fate.deaths > 5
        for tenant_id, ids in fate.sent.items():
            assert {row.id.bytes for row in rows(tenant_id)} == ids
            assert_agree(tenant_id)

    @pytest.mark.parametrize("moment", ["after the commit there", "after the commit here"])
    def test_a_process_that_is_killed(self, acme: Customer, initech: Customer, moment: str) -> None:
        admit(caller(initech), id="twice", value=3)
        store()
        forget_ids(initech)
        for tenant in (acme, initech):
            admit(caller(tenant), id="twice", value=4)
        script = textwrap.dedent(
            f"""
            import os, signal, django
            django.setup()
            from tests.metering.test_several_databases import struck
            from tenlyr.core import redis
            from apps.metering.consumer import Consumer
            redis.SHARDS = 1
            def strike(now, connection):
                if now == {moment!r} and Consumer.is_storing:
                    os.kill(os.getpid(), signal.SIGKILL)
            Consumer.is_storing = False
            flush = Consumer._flush
            def storing(self):
                Consumer.is_storing = True
                return flush(self)
            Consumer._flush = storing
            with struck(strike):
                Consumer().drain()
            """
        )
        done = subprocess.run(
            [sys.executable, "-c", script], env=os.environ, capture_output=True, timeout=60
        )
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
        store()
        for tenant in (acme, initech):
            assert len(rows(tenant.id)) == 1
            assert_agree(tenant.id)


class TestFence:
    def test_one_who_lost_the_lock_writes_nothing(
        self, initech: Customer, database: str, monkeypatch: Any
    ) -> None:
        """The control plane's connection was gone; meanwhile the tenant was held, and moved."""
        admit(caller(initech))
        held = waiting()
        whole = elsewhere.store

        def late(*args: Any) -> Any:
            monkeypatch.setattr(elsewhere, "store", whole)
            raw: Any = connections["fleet"].connection
            raw.close()
            with holding.held(initech.id, wait_s=60):
                pass
            return whole(*args)

        monkeypatch.setattr(elsewhere, "store", late)
        with pytest.raises(OperationalError):
            storing.store(held)
        survive()
        assert rows(initech.id) == []
        store()
        assert len(rows(initech.id)) == 1
        assert_agree(initech.id)

    def test_a_control_plane_put_back_to_an_older_day_catches_up(
        self, initech: Customer, database: str
    ) -> None:
        with (
            database_fleet(f"{database}_fleet") as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("UPDATE public.metering_shard SET fence = fence + 1000000")
        admit(caller(initech))
        with pytest.raises(elsewhere.Fenced):
            storing.store(waiting())
        survive()
        store()
        assert len(rows(initech.id)) == 1


def test_reads_and_the_purge_go_there(initech: Customer, hooli: Customer) -> None:
    for tenant in (initech, hooli):
        admit(caller(tenant), value=4, endpoint="/x")
    store()
    (event,) = selectors.events(initech.id, 10)
    assert (event["value"], event["endpoint"]) == (4, "/x")
    assert [row["id"] for row in selectors.all_events(initech.id)] == [event["id"]]
    assert selectors.summary(initech.id)["rollups"]["monthly"][0]["value"] == 4
    assert purging.purge(initech.id) == 1 + 1 + 3
    assert purging.purge(initech.id) == 0
    assert (rows(initech.id), len(rows(hooli.id))) == ([], 1)


def test_months_are_kept_there_too(initech: Customer, database: str) -> None:
    (place,) = isolation.group([initech.id])
    assert partitions.of_location(place) == partitions.wanted()
    old = periods.of_month(2024, 1)
    for parent in partitions.PARENTS:
        partitions.make(place, parent, old)
    with second.away(database):
        outages._outages.clear()
        assert partitions.ensure_partitions() == 0
    outages._outages.clear()
    assert partitions.drop_expired() >= 2
    assert partitions.of_location(place) == partitions.wanted()


def test_staging_there_gives_its_space_back(
    initech: Customer, database: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(storing, "STAGING_BYTES", 0)
    admit(caller(initech))
    store()
    storing.empty_staging()
    with database_fleet(f"{database}_fleet") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('public.metering_staging')")
        assert cursor.fetchone() == (0,)
