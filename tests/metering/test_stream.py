"""The queue as the consumer sees it: order, letting go, corrections, generations (F7, X12, X23)."""

from datetime import datetime, timedelta

import pytest
import time_machine

from apps.metering import stream
from apps.metering.events import Event
from apps.metering.stream import START, Entry, Mark, Owed
from tenlyr.core import clock, redis
from tenlyr.core.metrics import Metric
from tenlyr.core.principal import Principal
from tests.metering.support import admit, nobody, store, this_month, used


@pytest.fixture(autouse=True)
def _open() -> None:
    """Every shard is ready, and nothing waits from before."""
    store()


@pytest.fixture
def caller() -> Principal:
    return nobody()


@pytest.fixture
def shard(caller: Principal) -> int:
    return redis.shard_of(caller.tenant)


def waiting(shard: int, count: int = 100) -> list[Entry]:
    return stream.read({shard: START}, count=count)


def mark_at(entry: Entry, *owed: Owed, epoch: int | None = None) -> Mark:
    return Mark(entry.shard, entry.epoch if epoch is None else epoch, entry.position, owed)


class TestRead:
    def test_entries_come_in_order_after_a_position(self, caller: Principal, shard: int) -> None:
        for value in (1, 2, 3):
            admit(caller, value=value)
        found = waiting(shard)
        assert [entry.tenant_id for entry in found] == [caller.tenant] * 3
        assert sorted(entry.position for entry in found) == [entry.position for entry in found]
        assert stream.read({shard: found[0].position}, count=100) == found[1:]
        assert stream.read({shard: START}, count=2) == found[:2]

    def test_several_shards_at_once(self) -> None:
        callers = [nobody() for _ in range(5)]
        for one in callers:
            admit(one)
        shards = {redis.shard_of(one.tenant) for one in callers}
        found = stream.read(dict.fromkeys(shards, START), count=10)
        assert {entry.shard for entry in found} == shards

    def test_waits_for_nothing_in_vain(self, shard: int) -> None:
        assert stream.read({shard: START}, count=1, block_ms=1) == []

    @pytest.mark.parametrize(
        "fields",
        [
            {"e": "1", "n": "1"},
            {"e": "x", "n": "1", "b": b"\0" * 30},
            {"e": "1", "n": "0", "b": b"\0" * 30},
            {"e": "1", "n": "1", "b": b"short"},
            {"something": "else"},
        ],
    )
    def test_what_cannot_be_read_says_so(self, shard: int, fields: dict[str, str]) -> None:
        redis.client().xadd(redis.stream(shard), fields)
        (entry,) = waiting(shard)
        assert entry.damage.startswith("unreadable")

    def test_another_shard_s_tenant_is_damage(self, caller: Principal, shard: int) -> None:
        admit(caller)
        (entry,) = waiting(shard)
        elsewhere = (shard + 1) % redis.SHARDS
        redis.client().xadd(redis.stream(elsewhere), {"e": "1", "n": "1", "b": entry.rows})
        (foreign,) = waiting(elsewhere)
        assert "not a tenant of this shard" in foreign.damage


class TestFinish:
    def test_trims_up_to_the_mark(self, caller: Principal, shard: int) -> None:
        for _ in range(3):
            admit(caller)
        found = waiting(shard)
        stream.finish(mark_at(found[1]))
        assert waiting(shard) == found[2:]
        assert not stream.is_empty(shard)
        stream.finish(mark_at(found[2]))
        assert stream.is_empty(shard)
        assert stream.last_added(shard) == found[2].position

    def test_pays_once_whoever_comes(self, caller: Principal, shard: int) -> None:
        admit(caller, value=10)
        admit(caller, value=5)
        first, second = waiting(shard)
        owed = Owed(caller.tenant, "api_call", this_month(), 3)
        for _ in range(3):
            stream.finish(mark_at(first, owed))
        assert used(caller.tenant, Metric.API_CALL, this_month()) == 12
        stream.finish(mark_at(second, owed))
        stream.finish(mark_at(first, owed))
        assert used(caller.tenant, Metric.API_CALL, this_month()) == 9

    def test_an_epoch_that_is_over_changes_nothing(self, caller: Principal, shard: int) -> None:
        admit(caller, value=10)
        (entry,) = waiting(shard)
        owed = Owed(caller.tenant, "api_call", this_month(), 3)
        stream.finish(mark_at(entry, owed, epoch=entry.epoch - 1))
        assert waiting(shard) == [entry]
        assert used(caller.tenant, Metric.API_CALL, this_month()) == 10

    def test_without_trusted_counters_it_trims_but_pays_nothing(
        self, caller: Principal, shard: int
    ) -> None:
        admit(caller, value=10)
        (entry,) = waiting(shard)
        stream.distrust([shard])
        stream.finish(mark_at(entry, Owed(caller.tenant, "api_call", this_month(), 3)))
        assert stream.is_empty(shard)
        assert used(caller.tenant, Metric.API_CALL, this_month()) == 10

    def test_a_gauge_is_paid_at_its_level(self, caller: Principal, shard: int) -> None:
        admit(caller, metric="seats", value=8)
        (entry,) = waiting(shard)
        stream.finish(mark_at(entry, Owed(caller.tenant, "seats", this_month(), 2)))
        assert used(caller.tenant, Metric.SEATS, "level") == 6


class TestAges:
    def test_only_unstored_entries_have_one(self, caller: Principal, shard: int) -> None:
        assert stream.oldest_ages_ms([shard]) == {}
        assert stream.is_stored(shard, stream.last_added(shard))
        admit(caller)
        assert stream.oldest_ages_ms(range(redis.SHARDS)).keys() == {shard}
        assert not stream.is_stored(shard, stream.last_added(shard))

    def test_a_stream_that_is_not_there_never_had_an_entry(self, shard: int) -> None:
        redis.client().delete(redis.stream(shard))
        assert stream.last_added(shard) == START
        assert stream.is_stored(shard, START)


class TestGenerations:
    """An id is remembered until its event was stored for an hour, at least."""

    AGE = timedelta(milliseconds=stream.KEPT_MS)

    def generation(self, shard: int) -> int:
        return int(redis.client().hget(redis.ready(shard), "generation"))

    def begin(self, shard: int) -> datetime:
        """A generation that begins now, and when that is."""
        now = clock.now().replace(microsecond=0)
        redis.client().set(redis.quiet(shard), int(now.timestamp()) * 1000)
        return now

    def test_turns_over_after_an_hour_and_not_before(self, shard: int) -> None:
        begun = self.begin(shard)
        before = self.generation(shard)
        with time_machine.travel(begun + self.AGE - timedelta(seconds=1), tick=False):
            assert not stream.turn_over(shard)
        with time_machine.travel(begun + self.AGE, tick=False):
            assert stream.turn_over(shard)
            assert not stream.turn_over(shard)
        assert self.generation(shard) == before + 1

    def test_an_id_outlives_one_turn_and_not_two(self, caller: Principal, shard: int) -> None:
        # Of another test that left the generation as it was not.
        for key in self.remembered(shard):
            redis.client().delete(key)
        first = admit(caller, id="a")
        store()
        begun = self.begin(shard)
        for turn in (1, 2):
            assert admit(caller, id="a") == first
            with time_machine.travel(begun + turn * 2 * self.AGE, tick=False):
                assert stream.turn_over(shard)
        again = admit(caller, id="a", value=2)
        assert isinstance(again, Event)
        assert again.units == 2
        assert len(self.remembered(shard)) == 1

    def remembered(self, shard: int) -> list[bytes]:
        """The generations of ids that Redis holds."""
        return list(redis.client().keys(f"{redis.seen(shard)}*"))

    def test_waits_while_events_wait(self, caller: Principal, shard: int) -> None:
        admit(caller, id="a")
        begun = self.begin(shard)
        with time_machine.travel(begun + self.AGE, tick=False):
            assert not stream.turn_over(shard)

    def test_ages_anew_after_a_stall(self, shard: int) -> None:
        begun = self.begin(shard)
        with time_machine.travel(begun + self.AGE - timedelta(minutes=1), tick=False):
            stream.note_stall(shard)
        with time_machine.travel(begun + self.AGE, tick=False):
            assert not stream.turn_over(shard)

    def test_begins_when_nobody_knows_since_when(self, shard: int) -> None:
        redis.client().delete(redis.quiet(shard))
        before = self.generation(shard)
        assert not stream.turn_over(shard)
        assert int(redis.client().get(redis.quiet(shard))) <= clock.epoch_ms()
        assert self.generation(shard) == before
