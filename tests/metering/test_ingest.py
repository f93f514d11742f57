"""Admission in one step: throttle, limits, counters, queue.

Rows F4, X2, X5, X11, X14, X21, X23; faults F60-F62.
"""

import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from apps.metering import ingest, periods, rows, stream
from apps.metering.errors import Rebuilding, UsageBelowZero, UsageOutOfRange
from apps.metering.events import Event
from apps.metering.names import names_of
from tenlyr.core import clock, errors, redis
from tenlyr.core.metrics import Metric
from tenlyr.core.principal import Principal
from tests.metering.support import (
    admit,
    at_once,
    entries,
    event,
    nobody,
    store,
    this_month,
    used,
)


@pytest.fixture(autouse=True)
def _open() -> None:
    """Every shard is ready, and nothing waits from before."""
    store()


def calls(principal: Principal) -> int:
    return used(principal.tenant, Metric.API_CALL, this_month())


def deltas(principal: Principal) -> list[int]:
    """The last column of every queued row."""
    packed = [fields[b"b"] for fields in entries(principal.tenant)]
    return [int.from_bytes(row[-8:], signed=True) for one in packed for row in rows.split(one)]


class TestCounting:
    def test_each_event_counts_its_value(self) -> None:
        caller = nobody()
        for value in (1, 2, 3):
            assert isinstance(admit(caller, value=value), Event)
        assert calls(caller) == 6
        assert deltas(caller) == [1, 2, 3]

    def test_a_call_s_events_are_one_entry(self) -> None:
        caller = nobody()
        found = [event(caller), event(caller, metric="seats", value=4), event(caller, value=5)]
        assert ingest.admit(caller, found) == found
        (entry,) = entries(caller.tenant)
        assert entry[b"n"] == b"3"
        assert [rows.decode(row)[1] for row in rows.split(entry[b"b"])] == found
        assert calls(caller) == 6
        assert used(caller.tenant, Metric.SEATS, periods.LEVEL) == 4

    def test_a_late_event_counts_in_its_own_month(self) -> None:
        caller = nobody()
        moment = clock.now() - timedelta(days=34)
        admit(caller, timestamp=moment.isoformat())
        assert calls(caller) == 0
        assert used(caller.tenant, Metric.API_CALL, f"{moment:%Y%m}") == 1

    def test_counters_expire_long_after_their_period_and_gauges_never(self) -> None:
        caller = nobody()
        admit(caller)
        admit(caller, metric="seats")
        names = names_of(caller.tenant)
        end = periods.of(clock.now()).end
        expiry = redis.client().pexpiretime(names.counter("api_call", this_month()))
        assert datetime.fromtimestamp(expiry / 1000, UTC) >= end + timedelta(days=40)
        assert redis.client().pexpiretime(names.counter("seats", periods.LEVEL)) == -1

    def test_counts_stay_exact_where_floats_do_not(self) -> None:
        caller = nobody()
        for _ in range(9):
            admit(caller, metric="storage_gb", value=999_999_999.999999)
        assert used(caller.tenant, Metric.STORAGE_GB, periods.LEVEL) == 9 * 999_999_999_999_999

    def test_a_counter_never_leaves_the_exact_range(self) -> None:
        caller = nobody()
        assert isinstance(admit(caller, metric="storage_gb", value=10**12), UsageOutOfRange)
        assert deltas(caller) == []


class TestGauges:
    def test_set_and_decrement_queue_the_change_they_made(self) -> None:
        caller = nobody()
        for value, mode in (
            (5, "set"),
            (2, "decrement"),
            (10, "increment"),
            (4, "set"),
            (0, "set"),
        ):
            assert isinstance(admit(caller, metric="seats", value=value, mode=mode), Event)
        assert deltas(caller) == [5, -2, 10, -9, -4]
        assert used(caller.tenant, Metric.SEATS, periods.LEVEL) == 0

    def test_below_zero_is_refused(self) -> None:
        caller = nobody()
        admit(caller, metric="storage_gb", value=1.5)
        refused = admit(caller, metric="storage_gb", value=2, mode="decrement")
        assert isinstance(refused, UsageBelowZero)
        assert refused.details == {"metric": "storage_gb", "current": 1.5}
        assert deltas(caller) == [1_500_000]

    def test_within_one_call_each_sees_what_the_one_before_did(self) -> None:
        caller = nobody(limits={"seats": 10})
        given = [
            ("set", 8),
            ("increment", 3),
            ("decrement", 8),
            ("decrement", 1),
            ("increment", 10),
        ]
        outcomes = ingest.admit(
            caller, [event(caller, metric="seats", value=v, mode=mode) for mode, v in given]
        )
        assert [type(one) for one in outcomes] == [
            Event,
            errors.PlanLimitExceeded,
            Event,
            UsageBelowZero,
            Event,
        ]
        assert deltas(caller) == [8, -8, 10]


class TestLimit:
    def test_stops_exactly_there(self) -> None:
        caller = nobody(limits={"api_call": 3})
        outcomes = [admit(caller) for _ in range(5)]
        assert [isinstance(one, Event) for one in outcomes] == [True, True, True, False, False]
        refused = outcomes[-1]
        assert isinstance(refused, errors.PlanLimitExceeded)
        assert refused.details == {
            "metric": "api_call",
            "limit": 3,
            "current": 3,
            "reset_at": f"{periods.of(clock.now()).end:%Y-%m-%dT00:00:00.000Z}",
        }

    def test_a_value_that_would_pass_it_is_refused_whole(self) -> None:
        caller = nobody(limits={"api_call": 10})
        admit(caller, value=8)
        assert isinstance(admit(caller, value=3), errors.PlanLimitExceeded)
        assert isinstance(admit(caller, value=2), Event)
        assert calls(caller) == 10

    def test_refuses_its_own_metric_only(self) -> None:
        caller = nobody(limits={"api_call": 0})
        assert isinstance(admit(caller), errors.PlanLimitExceeded)
        assert isinstance(admit(caller, metric="compute"), Event)

    def test_a_gauge_over_its_limit_may_still_fall(self) -> None:
        caller = nobody()
        admit(caller, metric="seats", value=20)
        tight = nobody(tenant_id=caller.tenant_id, limits={"seats": 5})
        refused = admit(tight, metric="seats")
        assert isinstance(refused, errors.PlanLimitExceeded)
        assert refused.details["reset_at"] is None
        assert isinstance(admit(tight, metric="seats", value=12, mode="set"), Event)
        assert isinstance(admit(tight, metric="seats", value=2, mode="decrement"), Event)
        assert used(caller.tenant, Metric.SEATS, periods.LEVEL) == 10

    def test_last_month_has_a_limit_of_its_own(self) -> None:
        caller = nobody(limits={"api_call": 1})
        before = periods.of(clock.now()).start - timedelta(days=1)
        if before < clock.now() - timedelta(days=34):
            before = clock.now() - timedelta(days=34)
        assert isinstance(admit(caller), Event)
        late = [admit(caller, timestamp=before.isoformat()) for _ in range(2)]
        in_this_month = f"{before:%Y%m}" == this_month()
        assert [isinstance(one, Event) for one in late] == [not in_this_month, False]

    def test_is_not_overrun_by_one_under_64_threads(self) -> None:
        """F61: every thread asks on, until it is refused; some ask for more than one."""
        caller = nobody(limits={"api_call": 1000})

        def until_refused(number: int) -> int:
            admitted, value = 0, 1 + number % 3
            while isinstance(admit(caller, value=value), Event):
                admitted += value
            return admitted

        taken = sum(at_once(64, until_refused))
        assert taken == calls(caller) == sum(deltas(caller)) == 1000

    def test_a_lower_limit_counts_from_the_next_call_on(self) -> None:
        """F62."""
        caller = nobody(limits={"api_call": 10})
        for _ in range(5):
            admit(caller)
        lower = nobody(tenant_id=caller.tenant_id, limits={"api_call": 4})
        assert isinstance(admit(lower), errors.PlanLimitExceeded)
        assert calls(caller) == 5


class TestUnbillable:
    def test_is_queued_but_counts_towards_nothing(self) -> None:
        caller = nobody(limits={"api_call": 1})
        for status in (500, 503, 404):
            assert isinstance(admit(caller, statusCode=status), Event)
        assert isinstance(admit(caller, statusCode=500), Event)
        assert isinstance(admit(caller), errors.PlanLimitExceeded)
        assert calls(caller) == 1
        assert deltas(caller) == [0, 0, 1, 0]

    def test_is_throttled_like_any_other(self) -> None:
        caller = nobody(limit_rpm=1)
        assert isinstance(admit(caller, statusCode=500), Event)
        assert isinstance(admit(caller, statusCode=500), errors.RateLimited)


class TestIdentity:
    def test_a_resend_is_answered_with_the_first_event(self) -> None:
        caller = nobody()
        first = admit(caller, id="a", value=2, endpoint="/first", metric="seats", mode="set")
        again = admit(caller, id="a", value=9, endpoint="/second")
        assert again == first
        assert again is not first
        assert len(entries(caller.tenant)) == 1
        assert calls(caller) == 0

    def test_a_hundred_at_once_count_once(self) -> None:
        """F60."""
        caller = nobody(limits={"api_call": 5})
        made = [event(caller, id="same") for _ in range(50)]
        outcomes = at_once(50, lambda number: ingest.admit(caller, [made[number]])[0])
        assert all(isinstance(one, Event) for one in outcomes)
        assert sum(outcome is sent for outcome, sent in zip(outcomes, made, strict=True)) == 1
        assert calls(caller) == len(entries(caller.tenant)) == 1

    def test_twice_in_one_call_counts_once(self) -> None:
        caller = nobody()
        twins = [event(caller, id="twin", value=n) for n in (1, 2)]
        first, second = ingest.admit(caller, twins)
        assert first is twins[0]
        assert second == first
        assert calls(caller) == 1

    def test_a_resend_passes_limit_and_throttle(self) -> None:
        caller = nobody(limits={"api_call": 1}, limit_rpm=1)
        first = admit(caller, id="a")
        assert isinstance(first, Event)
        assert admit(caller, id="a") == first

    def test_a_refused_event_may_come_again(self) -> None:
        caller = nobody(limits={"api_call": 0})
        assert isinstance(admit(caller, id="a"), errors.PlanLimitExceeded)
        richer = nobody(tenant_id=caller.tenant_id)
        assert isinstance(admit(richer, id="a"), Event)
        assert calls(caller) == 1

    def test_the_same_id_of_another_tenant_is_another_event(self) -> None:
        shared = str(uuid4())
        one, other = nobody(), nobody()
        assert isinstance(admit(one, id=shared), Event)
        assert isinstance(admit(other, id=shared), Event)
        assert calls(one) == calls(other) == 1

    def test_is_remembered_over_a_change_of_generation_and_then_forgotten(self) -> None:
        caller = nobody()
        shard = redis.shard_of(caller.tenant)
        first = admit(caller, id="a")
        ready = redis.ready(shard)
        redis.client().hincrby(ready, "generation", 1)
        assert admit(caller, id="a") == first
        redis.client().hincrby(ready, "generation", 1)
        later = admit(caller, id="a", value=3)
        assert isinstance(later, Event)
        assert later.units == 3


class TestThrottle:
    def test_a_minute_s_worth_at_once_and_then_evenly(self) -> None:
        caller = nobody(limit_rpm=60)
        begun = time.monotonic()
        outcomes = [admit(caller) for _ in range(60)]
        assert all(isinstance(one, Event) for one in outcomes)
        while isinstance(refused := admit(caller), Event):
            outcomes.append(refused)
        assert isinstance(refused, errors.RateLimited)
        assert refused.details == {"limit": 60, "retry_after": 1}
        # One at most, unless the machine stood still for seconds: then one for each of them.
        assert calls(caller) == len(outcomes) <= 61 + (time.monotonic() - begun)

    def test_says_how_long_to_wait(self) -> None:
        caller = nobody(limit_rpm=2)
        outcomes = [admit(caller) for _ in range(3)]
        refused = outcomes[-1]
        assert isinstance(refused, errors.RateLimited)
        assert 25 <= refused.details["retry_after"] <= 30

    def test_counts_every_event_of_a_batch(self) -> None:
        caller = nobody(limit_rpm=5)
        outcomes = ingest.admit(caller, [event(caller) for _ in range(8)])
        assert [isinstance(one, Event) for one in outcomes] == [True] * 5 + [False] * 3

    def test_refills_with_time(self) -> None:
        caller = nobody(limit_rpm=1)
        admit(caller)
        assert isinstance(admit(caller), errors.RateLimited)
        # What a minute does: the moment at which the bucket is full again comes that much nearer.
        name = redis.throttle(redis.shard_of(caller.tenant), caller.tenant)
        full_at = int(redis.client().get(name))
        redis.client().set(name, full_at - 60_000_000)
        assert isinstance(admit(caller), Event)


class TestNotReady:
    def test_nothing_is_admitted_and_nothing_counted(self) -> None:
        caller = nobody()
        stream.distrust([redis.shard_of(caller.tenant)])
        with pytest.raises(Rebuilding) as caught:
            admit(caller)
        assert (caught.value.status, caught.value.code) == (503, "rebuilding")
        assert caught.value.extra_headers() == {"Retry-After": "1"}
        assert entries(caller.tenant) == []
        assert calls(caller) == 0

    def test_a_redis_that_forgot_the_script_learns_it_again(self) -> None:
        caller = nobody()
        admit(caller)
        redis.client().script_flush()
        assert isinstance(admit(caller), Event)
        assert calls(caller) == 2


def test_every_key_of_a_call_has_the_shard_s_hash_tag() -> None:
    """F13: the script also runs on a cluster."""
    caller = nobody(limits={"api_call": 5}, limit_rpm=9)
    made = [event(caller, id="a"), event(caller, metric="seats"), event(caller, metric="compute")]
    count, *arguments = ingest._arguments(caller, made)
    assert isinstance(count, int)
    keys = arguments[:count]
    tag = f"{{{redis.shard_of(caller.tenant)}}}"
    assert all(tag in str(key) for key in keys)


def test_chunks_hold_everything_in_order() -> None:
    caller = nobody()
    made = [event(caller) for _ in range(1_201)]
    chunks = list(ingest.chunks(made))
    assert [len(chunk) for chunk in chunks] == [500, 500, 201]
    assert [one for chunk in chunks for one in chunk] == made
