"""Months in UTC, from any clock's moment."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from apps.metering import periods

MARCH = periods.of_month(2026, 3)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000


def test_a_month_is_named_and_ends_where_the_next_begins() -> None:
    assert MARCH.name == "202603"
    assert MARCH.start == datetime(2026, 3, 1, tzinfo=UTC)
    assert MARCH.end == periods.of_month(2026, 4).start


def test_december_ends_in_the_next_year() -> None:
    assert periods.of_month(2025, 12).end == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("month", "before"),
    [((2026, 3), "202602"), ((2026, 1), "202512")],
)
def test_previous(month: tuple[int, int], before: str) -> None:
    assert periods.of_month(*month).previous.name == before


def test_the_first_millisecond_belongs_to_the_month_and_the_one_before_does_not() -> None:
    first = _ms(MARCH.start)
    assert periods.at(first) == MARCH
    assert periods.at(first - 1).name == "202602"
    assert periods.at(_ms(MARCH.end) - 1) == MARCH
    assert periods.at(_ms(MARCH.end)).name == "202604"


def test_a_leap_day_is_february() -> None:
    assert periods.at(_ms(datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC))).name == "202802"


def test_a_moment_counts_in_its_month_in_utc_wherever_it_was_written() -> None:
    west = timezone(timedelta(hours=-8))
    assert periods.of(datetime(2026, 2, 28, 20, tzinfo=west)) == MARCH
    east = timezone(timedelta(hours=9))
    assert periods.of(datetime(2026, 3, 1, 8, tzinfo=east)).name == "202602"


def test_counters_outlive_the_oldest_timestamp_that_is_accepted() -> None:
    from apps.metering.reading import OLDEST_MS

    assert MARCH.expires_ms - _ms(MARCH.end) == periods.KEPT_AFTER_MS > OLDEST_MS


def test_latest_goes_back_over_the_new_year() -> None:
    names = [period.name for period in periods.latest(datetime(2026, 2, 3, tzinfo=UTC), 4)]
    assert names == ["202602", "202601", "202512", "202511"]
