"""The times of attempts (E8, X35) and what a receiver's `Retry-After` changes (T45)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.webhooks import schedule

BEGIN = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DOCUMENTED = "5s 30s 2m 10m 30m 1h 3h 6h 12h 12h 12h 12h 12h"
UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": HOUR}


def attempts(jitter: float, took: timedelta = timedelta(0)) -> list[datetime]:
    """The times of all attempts of a delivery that always fails, each after `took`."""
    times, failed_at = [BEGIN], BEGIN + took
    while due := schedule.next_at(BEGIN, len(times), failed_at, jitter):
        times.append(due)
        failed_at = due + took
    return times


def test_the_delays_are_the_documented_ones() -> None:
    wanted = [int(one[:-1]) * UNITS[one[-1]] for one in DOCUMENTED.split()]
    times = attempts(jitter=0)
    assert [later - earlier for earlier, later in pairwise(times)] == wanted
    assert len(times) == 14
    assert 70 * HOUR < times[-1] - times[0] < 71 * HOUR


def test_jitter_only_shortens_by_a_fifth_at_most() -> None:
    assert attempts(jitter=1)[1] - BEGIN == timedelta(seconds=4)
    assert attempts(jitter=0.5)[1] - BEGIN == timedelta(seconds=4.5)
    full, least = attempts(0)[-1] - BEGIN, attempts(1)[-1] - BEGIN
    assert least == full * 0.8


@pytest.mark.parametrize("jitter", [-0.1, 1.1])
def test_a_jitter_beyond_its_range_is_a_mistake(jitter: float) -> None:
    with pytest.raises(ValueError, match="jitter is from 0 to 1"):
        schedule.next_at(BEGIN, 1, BEGIN, jitter)


def test_slow_attempts_do_not_go_past_72_hours() -> None:
    times = attempts(jitter=0, took=timedelta(seconds=5))
    assert (len(times), times[-1] - BEGIN < 72 * HOUR) == (14, True)


def test_a_sender_that_was_away_stops_at_72_hours() -> None:
    at_the_stop = BEGIN + 72 * HOUR - timedelta(seconds=5)
    assert schedule.next_at(BEGIN, 1, at_the_stop, 0) == BEGIN + 72 * HOUR
    assert schedule.next_at(BEGIN, 1, at_the_stop + timedelta(microseconds=1), 0) is None


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (None, 5),
        ("7", 7),
        (" 8 ", 8),
        ("0", 5),
        ("10", 10),
        ("11", 10),
        ("1000000000", 10),
        ("9" * 5_000, 10),
        ("-1", 5),
        ("NaN", 5),
        ("1e9", 5),
        ("\u0667", 5),
        ("", 5),
        ("soon", 5),
        ("Sat, 21 Nov 2026 10:00:06 GMT", 6),
        ("Sat, 21 Nov 2026 10:00:06 -0000", 6),
        ("Sat, 21 Nov 2026 12:00:06 +0200", 6),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 5),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 10),
        ("Mon, 99 Foo 2020 99:99:99 GMT", 5),
        ("Sat, 21 Nov 2026 10:00:06 +99999999999999999999", 5),
    ],
)
def test_a_receiver_may_ask_for_up_to_twice_the_delay(asked: str | None, seconds: float) -> None:
    due = schedule.next_at(BEGIN, 1, BEGIN, 0, asked)
    assert due == BEGIN + timedelta(seconds=seconds)


def test_patience_adds_no_attempt_after_the_last() -> None:
    assert schedule.next_at(BEGIN, 14, BEGIN, 0, "60") is None


@given(
    attempt=st.integers(1, 20),
    after=st.timedeltas(timedelta(0), 80 * HOUR),
    jitter=st.floats(0, 1),
    asked=st.none() | st.text(max_size=64) | st.integers().map(str),
)
def test_whatever_is_asked_the_time_lies_between_the_bounds(
    attempt: int, after: timedelta, jitter: float, asked: str | None
) -> None:
    now = BEGIN + after
    due = schedule.next_at(BEGIN, attempt, now, jitter, asked)
    plain = schedule.next_at(BEGIN, attempt, now, jitter)
    if due is None:
        assert plain is None or asked is not None
        return
    assert plain is not None
    assert plain <= due <= now + (plain - now) * 2
    assert due <= BEGIN + schedule.STOP
