"""The limit on the management API: never over it, hardly under it, open without Redis (X41)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from tenlyr.core import context, errors, ratelimits, redis
from tenlyr.core.context import RequestContext
from tests.core import outages

Lines = Callable[[], list[dict[str, Any]]]
START_MS = 1_800_000_000_000
MINUTE_MS, SLOT_MS = 60_000, 250
# The script as it is, but for its clock: hours pass in a moment.
TICKING = ratelimits.WINDOW.text.replace(b"call('TIME')", b"{ARGV[3], ARGV[4]}")
STEPS = st.lists(
    st.tuples(st.integers(0, 40_000) | st.sampled_from([0, 249, 250, 59_999, 60_000, 60_250]),
              st.integers(1, 4)),
    min_size=1,
    max_size=40,
)  # fmt: skip


class Window:
    """One key's minute, at moments that the test names (ms)."""

    def __init__(self, limit: int) -> None:
        self.key, self.limit = redis.api_calls(uuid4()), limit

    def ask(self, now_ms: int, cost: int = 1) -> tuple[bool, int, int]:
        """Whether it was counted, what is left, ms until more is."""
        moment = now_ms // 1_000, now_ms % 1_000 * 1_000
        answer: Any = redis.command(b"EVAL", TICKING, 1, self.key, self.limit, cost, *moment)
        return answer[0] == 1, answer[1], answer[2]


def test_the_clock_of_these_tests_is_the_only_change() -> None:
    assert TICKING.count(b"{ARGV[3], ARGV[4]}") == 1
    assert b"TIME" not in TICKING


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 12), STEPS)
def test_never_more_than_the_limit_in_any_minute_and_let_go_a_slot_late_at_most(
    limit: int, steps: list[tuple[int, int]]
) -> None:
    window, now = Window(limit), START_MS
    counted: list[tuple[int, int]] = []

    def within(ms: int) -> int:
        return sum(cost for at, cost in counted if at > now - ms)

    for passed_ms, cost in steps:
        now += passed_ms
        is_counted, left, wait_ms = window.ask(now, cost)
        if is_counted:
            counted.append((now, cost))
            assert within(MINUTE_MS) <= limit
        else:
            assert within(MINUTE_MS + SLOT_MS) + cost > limit
        held = within(MINUTE_MS), within(MINUTE_MS + SLOT_MS)
        assert limit - held[1] <= left <= limit - held[0]
        assert 0 < wait_ms <= MINUTE_MS + SLOT_MS


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(1, 5))
def test_who_waits_as_long_as_told_has_room_and_not_before(
    steps: list[tuple[int, int]], cost: int
) -> None:
    window, now = Window(5), START_MS
    for passed_ms, spent in steps:
        now += passed_ms
        window.ask(now, spent)
    is_counted, _, wait_ms = window.ask(now, cost)
    if not is_counted:
        assert not window.ask(now + wait_ms - 1, cost)[0]
        assert window.ask(now + wait_ms, cost)[0]


def test_a_client_at_exactly_the_limit_loses_less_than_one_per_cent() -> None:
    """600 a minute, evenly, for ten minutes."""
    window = Window(600)
    refused = [not window.ask(START_MS + 100 * n)[0] for n in range(6_000)]
    assert sum(refused) / len(refused) < 0.01


def test_more_than_the_limit_never_has_room_and_holds_up_nobody() -> None:
    window = Window(5)
    assert not window.ask(START_MS, 6)[0]
    assert window.ask(START_MS, 5) == (True, 0, MINUTE_MS + SLOT_MS)


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    window = Window(2)
    assert [window.ask(START_MS)[0] for _ in range(3)] == [True, True, False]
    assert window.ask(START_MS - 3_600_000) == (True, 1, MINUTE_MS + SLOT_MS)


def test_a_lower_limit_counts_at_once() -> None:
    window = Window(9)
    assert all(window.ask(START_MS)[0] for _ in range(9))
    window.limit = 4
    assert window.ask(START_MS)[:2] == (False, 0)


def test_what_is_kept_ends_by_itself() -> None:
    key_id, client = uuid4(), redis.client()
    before = now_ms()
    ratelimits.spend(key_id)
    after, ends = now_ms(), client.pexpiretime(redis.api_calls(key_id))
    assert before + MINUTE_MS < ends <= after + MINUTE_MS + 2 * SLOT_MS


@override_settings(API_RPM=100)
def test_exactly_so_many_of_those_who_come_at_once() -> None:
    key_id = uuid4()
    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(lambda _: ratelimits.spend(key_id), range(400)))
    assert sum(one.is_allowed for one in asked) == 100
    assert sorted(one.remaining for one in asked if one.is_allowed) == list(range(100))


@override_settings(API_RPM=2)
def test_each_key_has_its_own() -> None:
    mine, other = uuid4(), uuid4()
    assert [ratelimits.spend(mine).is_allowed for _ in range(3)] == [True, True, False]
    assert ratelimits.spend(other).is_allowed


@override_settings(API_RPM=0)
def test_no_limit_asks_nobody(redis_down: None, logged: Lines) -> None:
    assert ratelimits.spend(uuid4()) == ratelimits.UNLIMITED
    assert ratelimits.UNLIMITED.headers == {}
    assert logged() == []


def now_ms() -> int:
    """By the clock of Redis."""
    seconds, micros = redis.client().time()
    return int(seconds) * 1_000 + int(micros) // 1_000


class TestCharge:
    @override_settings(API_RPM=2)
    def test_the_caller_is_told_and_then_refused(self) -> None:
        context.begin(RequestContext())
        key_id = uuid4()
        left = [told(key_id)["RateLimit-Remaining"] for _ in range(2)]
        assert left == ["1", "0"]
        with pytest.raises(errors.RateLimited) as caught:
            ratelimits.charge(key_id)
        wait_s = caught.value.details["retry_after"]
        assert 0 < wait_s <= 61
        assert caught.value.extra_headers() == {
            "Retry-After": str(wait_s),
            "RateLimit-Limit": "2",
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(wait_s),
        }


def told(key_id: UUID) -> Any:
    """The headers of a call that is counted."""
    ratelimits.charge(key_id)
    return context.current().answer_headers


class TestRedisAway:
    @pytest.fixture(autouse=True)
    def _asking(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nobody stopped asking before the test, nor after it; the pause outlasts a slow test."""
        monkeypatch.setattr(ratelimits, "_asked_again_at", [0.0])
        monkeypatch.setattr(ratelimits, "AWAY_S", 600.0)

    @override_settings(API_RPM=1)
    def test_everybody_is_let_through_and_the_log_says_so_once(self, logged: Lines) -> None:
        key_id = uuid4()
        with outages.redis_away():
            asked = [ratelimits.spend(key_id) for _ in range(5)]
            context.begin(RequestContext())
            assert told(key_id) == {}
        assert [(one.is_allowed, one.remaining) for one in asked] == [(True, None)] * 5
        assert [line["event"] for line in logged()] == ["ratelimit.away"]

    @override_settings(API_RPM=1)
    def test_after_a_pause_it_is_asked_again(self, later: Callable[[float], None]) -> None:
        key_id = uuid4()
        with outages.redis_away():
            assert ratelimits.spend(key_id).remaining is None
        assert ratelimits.spend(key_id).remaining is None
        later(ratelimits.AWAY_S)
        assert [ratelimits.spend(key_id).is_allowed for _ in range(2)] == [True, False]
