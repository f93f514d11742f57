"""The consumer at work: it stores, stops, and has one way back from every trouble (F6, F7)."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connections

from apps.isolation.public import control_fleet
from apps.metering import consumer as consuming
from apps.metering import storing, stream
from apps.metering.consumer import FLUSH_EVENTS, Consumer
from apps.metering.errors import Rebuilding
from apps.metering.events import Event
from apps.metering.public import drain, ensure_partitions
from apps.metering.stream import START
from tenlyr.core import clock, errors, redis
from tenlyr.core.principal import Principal
from tests import cast
from tests.cast import Account, Customer
from tests.core import outages
from tests.metering.support import (
    BOUND_S,
    admit,
    assert_agree,
    at_once,
    caller,
    many,
    rows,
    store,
)

CALL = {"metric": "api_call", "value": 1}


@pytest.fixture(autouse=True)
def _open() -> None:
    """Every shard is ready, and nothing waits from before."""
    store()


@pytest.fixture
def consumer() -> Iterator[Consumer]:
    made = Consumer()
    yield made
    made.leases.leave()


def on_another_shard(account: Account, other: Customer) -> Customer:
    """A tenant that is not on the shard of the other: the ids decide, and they are random."""
    while True:
        made = cast.tenant(account, "Elsewhere")
        if redis.shard_of(made.id) != redis.shard_of(other.id):
            return made


@contextmanager
def running() -> Iterator[Consumer]:
    """A consumer in a thread of its own, stopped at the end like a process is by SIGTERM."""
    made = Consumer()

    def work() -> None:
        try:
            made.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield made
    finally:
        made.stop.set()
        thread.join(BOUND_S)
        assert not thread.is_alive()


class TestRun:
    def test_stores_what_comes(self, acme: Customer, globex: Customer) -> None:
        with running():
            for tenant in (acme, globex):
                for _ in range(3):
                    admit(caller(tenant))
                drain(tenant.id, BOUND_S)
                assert len(rows(tenant.id)) == 3
                assert_agree(tenant.id)

    def test_stores_what_is_at_hand_before_it_ends(self, acme: Customer) -> None:
        with running() as consumer:
            drain(acme.id, BOUND_S)
            for _ in range(20):
                admit(caller(acme))
            consumer.stop.set()
        # What the last read missed is there for the next.
        store()
        assert len(rows(acme.id)) == 20
        assert_agree(acme.id)

    def test_frees_its_shards_at_the_end(self) -> None:
        with running() as consumer:
            while not consumer.leases.owned:
                consumer.stop.wait(0.01)
        assert redis.client().zcard(redis.consumers()) == 0
        assert not any(redis.client().exists(redis.lease(n)) for n in range(redis.SHARDS))

    def test_two_share_the_work_and_store_each_event_once(self, acme: Customer) -> None:
        who = caller(acme)
        with running(), running():
            at_once(8, lambda number: [admit(who, id=f"{number}-{n}") for n in range(50)])
            drain(acme.id, BOUND_S)
        store()
        assert len(rows(acme.id)) == 400
        assert_agree(acme.id)


class TestFlush:
    def test_five_hundred_events_go_at_once(self, acme: Customer, consumer: Consumer) -> None:
        many(caller(acme), [CALL] * FLUSH_EVENTS)
        consumer.turn()
        assert len(rows(acme.id)) == FLUSH_EVENTS

    def test_a_few_wait_for_others(self, acme: Customer, consumer: Consumer) -> None:
        admit(caller(acme))
        consumer.turn()
        assert rows(acme.id) == []
        many(caller(acme), [CALL] * FLUSH_EVENTS)
        consumer.turn()
        assert len(rows(acme.id)) == FLUSH_EVENTS + 1

    def test_a_backlog_goes_in_large_parts(self, acme: Customer, consumer: Consumer) -> None:
        for _ in range(3):
            many(caller(acme), [CALL] * 10_000)
        assert consumer.drain() == 30_000
        assert_agree(acme.id)
        assert stream.is_empty(redis.shard_of(acme.id))

    def test_one_busy_tenant_gets_the_room_of_all(self, acme: Customer, consumer: Consumer) -> None:
        who = caller(acme)
        for _ in range(1_500):
            admit(who)
        consumer._beat()
        assert consumer._read(block_ms=0)
        assert len(consumer._pending) == 1_500
        consumer._forget()
        assert consumer.drain() == 1_500
        assert_agree(acme.id)

    def test_reads_stop_where_a_transaction_is_full(
        self,
        workspace: Account,
        acme: Customer,
        consumer: Consumer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(consuming, "MOST_EVENTS", 128)
        tenants = (acme, on_another_shard(workspace, acme))
        for tenant in tenants:
            who = caller(tenant)
            for _ in range(200):
                admit(who)
        consumer._beat()
        assert consumer._read(block_ms=0)
        found = Counter(entry.tenant_id for entry in consumer._pending)
        assert 64 < found.total() <= 128
        assert found.keys() == {tenant.id for tenant in tenants}
        consumer._forget()
        assert consumer.drain() == 400
        assert [len(rows(tenant.id)) for tenant in tenants] == [200, 200]

    def test_staging_is_left_empty(self, acme: Customer, consumer: Consumer) -> None:
        many(caller(acme), [CALL] * 1_000)
        consumer.drain()
        storing.empty_staging()
        with control_fleet() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM metering_staging")
            assert cursor.fetchone()[0] == 0


class TestTrouble:
    def test_postgres_away_loses_nothing(self, acme: Customer, consumer: Consumer) -> None:
        consumer.drain()
        many(caller(acme), [CALL] * FLUSH_EVENTS)
        with outages.postgres_away("fleet"), pytest.raises(DatabaseError):
            consumer.turn()
        admit(caller(acme))
        consumer._forget()
        assert consumer.drain() == FLUSH_EVENTS + 1
        assert_agree(acme.id)

    def test_redis_away_is_waited_for(self, acme: Customer) -> None:
        admit(caller(acme))
        with outages.redis_away(), running() as consumer:
            consumer.stop.wait(0.3)
        assert rows(acme.id) == []
        store()
        assert len(rows(acme.id)) == 1

    def test_a_shard_that_nobody_trusts_is_rebuilt(
        self, acme: Customer, consumer: Consumer
    ) -> None:
        who = caller(acme)
        admit(who, value=4)
        consumer.drain()
        admit(who, value=2)
        shard = redis.shard_of(acme.id)
        stream.distrust([shard])
        with pytest.raises(Rebuilding):
            admit(who)
        consumer.drain()
        consumer._beat()
        assert isinstance(admit(who), Event)
        consumer.drain()
        assert [int(row.value) for row in rows(acme.id)] == [4, 2, 1]
        assert_agree(acme.id)

    def test_a_missing_partition_is_made_and_nothing_buried(
        self, acme: Customer, consumer: Consumer
    ) -> None:
        who = caller(acme)
        later = clock.now() + timedelta(days=200)
        with time_machine.travel(later, tick=False):
            admit(who)
            consumer.drain()
        assert len(rows(acme.id)) == 1
        assert_agree(acme.id)

    def test_a_stall_keeps_ids_in_mind(self, acme: Customer, consumer: Consumer) -> None:
        admit(caller(acme), id="a")
        shard = redis.shard_of(acme.id)
        later = clock.now() + timedelta(minutes=2)
        with time_machine.travel(later, tick=False):
            consumer.drain()
        assert int(redis.client().get(redis.quiet(shard))) == int(later.timestamp() * 1000)


class TestLostData:
    def test_events_read_before_the_loss_are_not_lost(
        self, acme: Customer, consumer: Consumer
    ) -> None:
        """One consumer read, Redis lost everything, another one rebuilt; the first comes back."""
        who = caller(acme)
        admit(who, value=3)
        held = stream.read({redis.shard_of(acme.id): START}, count=10)
        redis.client().flushall()
        consumer.drain()
        admit(who, value=2)
        late = storing.store(held)
        assert late.events == 1
        assert late.distrusted == {redis.shard_of(acme.id)}
        consumer._let_go(late)
        consumer.drain()
        consumer._beat()
        assert sorted(int(row.value) for row in rows(acme.id)) == [2, 3]
        assert_agree(acme.id)
        # And once more: the same entries change nothing now.
        again = storing.store(held)
        consumer._let_go(again)
        consumer._beat()
        assert (again.events, again.duplicates) == (0, 1)
        assert_agree(acme.id)

    def test_flushall_while_everybody_tracks(self, acme: Customer, globex: Customer) -> None:
        """F12: no limit is passed, no count differs; only what was unstored may be missing."""
        callers = [caller(acme, limits={"api_call": 300}), caller(globex)]
        accepted: set[bytes] = set()
        flushed = threading.Event()

        def track(number: int) -> None:
            for step in range(60):
                if (number, step) == (0, 30):
                    redis.client().flushall()
                    flushed.set()
                is_after = flushed.is_set()
                tracked = _tracked(callers[number % 2], id=f"{number}-{step}")
                if is_after:
                    accepted.update(tracked)

        ensure_partitions()
        with running() as consumer:
            at_once(8, track)
            for who in callers:
                while not (later := _tracked(who)):
                    consumer.stop.wait(0.05)
                accepted |= later
                drain(who.tenant, BOUND_S)
        store()
        for who in callers:
            assert_agree(who.tenant)
        assert len(rows(acme.id)) <= 300
        assert accepted <= {row.id.bytes for who in callers for row in rows(who.tenant)}


def _tracked(who: Principal, **fields: Any) -> set[bytes]:
    """The id of an event, if it is admitted now."""
    try:
        outcome = admit(who, **fields)
    except errors.Unavailable:
        return set()
    return {outcome.id} if isinstance(outcome, Event) else set()
