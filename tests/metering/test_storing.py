"""The store: each admitted event is a row once, with its rollups, whoever comes twice (O1, R6)."""

from decimal import Decimal

import pytest

from apps.isolation.public import release, scope
from apps.metering import storing, stream
from apps.metering.models import DeadLetter
from apps.metering.public import ensure_partitions
from apps.metering.store.models import Minute
from tenlyr.core import clock, redis
from tests.cast import Api, Customer
from tests.metering.stored import (
    BATCH,
    an_id,
    consume,
    entries,
    events,
    forget_ids,
    sums,
    track,
    used,
)
from tests.metering.support import SPOILT, spoilt


@pytest.fixture(autouse=True)
def _open() -> None:
    """Tracking is open, and nothing waits from before."""
    consume()


@pytest.fixture(params=["shared", "own schema"])
def tenant(request: pytest.FixtureRequest) -> Customer:
    """A tenant of either level."""
    found: Customer = request.getfixturevalue("acme" if request.param == "shared" else "globex")
    ensure_partitions()
    return found


class TestStored:
    def test_every_event_is_a_row_with_its_rollups(self, tenant: Customer) -> None:
        for status in (200, 404, 500, 503):
            track(tenant, statusCode=status, latencyMs=12.5, endpoint="/invoices")
        track(tenant, success=False, value=3)
        consume()
        assert len(events(tenant)) == 5
        assert sums(tenant) == dict.fromkeys(
            ("hour", "day", "month", "minute", "event"), (5, 3, Decimal(5))
        )
        assert used(tenant) == 5

    def test_a_row_is_what_was_tracked(self, tenant: Customer) -> None:
        told = track(tenant, endpoint="/é?", statusCode=503, success=True, latencyMs=0.25)
        consume()
        (row,) = events(tenant)
        assert str(row.id) == told["id"]
        assert clock.iso(row.ts) == told["timestamp"]
        assert (row.metric, row.value, row.delta, row.billable) == ("api_call", 1, 0, False)
        assert (row.endpoint, row.status_code, row.success) == ("/é?", 503, True)
        assert row.latency_ms == 0.25

    def test_a_gauge_is_the_sum_of_its_changes(self, tenant: Customer) -> None:
        for mode, value in (("set", 10.5), ("increment", 2.000001), ("decrement", 0.5)):
            track(tenant, metric="storage_gb", value=value, mode=mode)
        track(tenant, metric="storage_gb", value=4, mode="set")
        consume()
        assert sums(tenant, "storage_gb")["month"] == (4, 0, Decimal(4))
        assert used(tenant, "storageGb") == 4

    def test_latencies_are_counted_by_their_bounds(self, tenant: Customer) -> None:
        track(tenant, latencyMs=0.5)
        track(tenant, latencyMs=60_000)
        consume()
        with scope(tenant.id):
            minutes = list(Minute.objects.filter(tenant_id=tenant.id))
        places = [sum(column) for column in zip(*(m.latencies for m in minutes), strict=True)]
        assert (places[0], places[-1], sum(places)) == (1, 1, 2)

    def test_tenants_do_not_mix(self, acme: Customer, globex: Customer, stranger: Customer) -> None:
        everybody = (acme, globex, stranger)
        for number, one in enumerate(everybody, 1):
            for _ in range(number):
                track(one)
        consume()
        assert [len(events(one)) for one in everybody] == [1, 2, 3]
        assert all(row.tenant_id == one.id for one in everybody for row in events(one))


class TestReplay:
    def test_entries_that_come_again_change_nothing(self, tenant: Customer) -> None:
        """A consumer that died between commit and trim."""
        track(tenant, id=an_id())
        track(tenant)
        waiting = entries(tenant)
        first = storing.store(waiting)
        again = storing.store(waiting)
        assert (first.events, again.events, again.duplicates) == (2, 0, 0)
        assert all(not mark.owed for mark in again.marks)
        consume()
        assert len(events(tenant)) == 2
        assert used(tenant) == 2

    def test_a_consumer_thought_dead_finds_out(self, tenant: Customer) -> None:
        """It read before another one stored and trimmed, and stores late."""
        track(tenant)
        waiting = entries(tenant)
        assert consume() >= 1
        late = storing.store(waiting)
        for mark in late.marks:
            stream.finish(mark)
        track(tenant)
        consume()
        assert late.events == 0
        assert sums(tenant)["event"] == (2, 0, Decimal(2))
        assert used(tenant) == 2


class TestDuplicates:
    def test_one_that_only_postgres_knows_is_taken_back(self, tenant: Customer) -> None:
        event_id = an_id()
        first = track(tenant, id=event_id, endpoint="/first")
        consume()
        forget_ids(tenant)
        track(tenant, id=event_id, endpoint="/second")
        assert used(tenant) == 2
        consume()
        (row,) = events(tenant)
        assert row.endpoint == first["endpoint"]
        assert used(tenant) == 1
        assert sums(tenant)["month"] == (1, 0, Decimal(1))

    def test_it_is_taken_back_once(self, tenant: Customer) -> None:
        """The consumer died after commit, before it paid; the next pays, and only once."""
        event_id = an_id()
        track(tenant, id=event_id)
        consume()
        forget_ids(tenant)
        track(tenant, id=event_id, value=7)
        waiting = entries(tenant)
        done = storing.store(waiting)
        assert done.duplicates == 1
        for _ in range(2):
            for mark in done.marks:
                stream.finish(mark)
            storing.store(waiting)
        consume()
        assert used(tenant) == 1

    def test_two_in_one_batch_of_the_store(self, tenant: Customer) -> None:
        event_id = an_id()
        track(tenant, id=event_id)
        forget_ids(tenant)
        track(tenant, id=event_id)
        consume()
        assert len(events(tenant)) == 1
        assert used(tenant) == 1

    def test_another_timestamp_does_not_hide_it(self, tenant: Customer) -> None:
        event_id = an_id()
        track(tenant, id=event_id, timestamp=clock.iso(clock.now()))
        consume()
        forget_ids(tenant)
        earlier = clock.now().replace(microsecond=0).isoformat().replace("+00:00", ".250Z")
        track(tenant, id=event_id, timestamp=earlier)
        consume()
        assert len(events(tenant)) == 1


class TestPoison:
    def test_an_entry_that_cannot_be_read_is_kept_apart(self, tenant: Customer) -> None:
        track(tenant)
        shard = redis.shard_of(tenant.id)
        redis.client().xadd(redis.stream(shard), {"e": "1", "n": "1", "b": b"\x00\x0dgarbage"})
        track(tenant)
        before = DeadLetter.objects.filter(shard=shard).count()
        consume()
        assert len(events(tenant)) == 2
        assert DeadLetter.objects.filter(shard=shard).count() == before + 1
        assert stream.is_empty(shard)

    @pytest.mark.parametrize("how", list(SPOILT))
    def test_a_row_that_postgres_refuses_spoils_no_other(self, tenant: Customer, how: str) -> None:
        track(tenant, endpoint="/good")
        (good,) = entries(tenant)
        bad = spoilt(good.rows, how)
        redis.client().xadd(redis.stream(good.shard), {"e": str(good.epoch), "n": "1", "b": bad})
        track(tenant, endpoint="/good")
        consume()
        assert [row.endpoint for row in events(tenant)] == ["/good", "/good"]
        assert DeadLetter.objects.filter(tenant_id=tenant.id).count() == 1


def test_events_of_a_deleted_tenant_are_let_go(acme: Customer, globex: Customer) -> None:
    track(acme)
    track(globex)
    release(acme.id)
    consume()
    assert stream.is_empty(redis.shard_of(acme.id))
    assert len(events(globex)) == 1


def test_a_large_batch_is_stored_whole(acme: Customer) -> None:
    sent = [{"metric": "api_call", "value": 1, "id": an_id()} for _ in range(2_500)]
    answer = Api().post(BATCH, sent, key=acme.key)
    assert answer.body["accepted"] == 2_500
    consume()
    assert {str(row.id) for row in events(acme)} == {event["id"] for event in sent}
    assert used(acme) == 2_500
