"""Where use leads: what is left, what is to come, when it ends (X30)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.metering import periods
from apps.metering.selectors import _standing
from tenlyr.core.metrics import Metric

PERIOD = periods.of_month(2026, 11)
# A third of a month of thirty days.
NOW = datetime(2026, 11, 11, tzinfo=UTC)


def standing(used: int, limit: int | None, metric: Metric = Metric.API_CALL) -> dict[str, Any]:
    return _standing(metric, used, limit, PERIOD, NOW)


def test_without_a_limit() -> None:
    assert standing(100, None) == {
        "used": 100,
        "limit": None,
        "remaining": None,
        "percentage": None,
        "projected": 300,
        "exhausts_at": None,
    }


def test_a_limit_that_will_be_reached() -> None:
    found = standing(100, 200)
    assert (found["remaining"], found["percentage"]) == (100, 50.0)
    assert found["exhausts_at"] == datetime(2026, 11, 21, tzinfo=UTC)


def test_a_limit_that_will_hold() -> None:
    assert standing(100, 300)["exhausts_at"] is None
    assert standing(0, 300)["exhausts_at"] is None


def test_a_limit_that_is_thousands_of_years_away() -> None:
    """Date arithmetic would end in the year 10000."""
    assert standing(1, 1_000_000_000)["exhausts_at"] is None
    assert standing(0, 300)["projected"] == 0


@pytest.mark.parametrize("used", [300, 400])
def test_a_limit_that_is_reached(used: int) -> None:
    found = standing(used, 300)
    assert (found["remaining"], found["exhausts_at"]) == (0, NOW)
    assert found["percentage"] == round(100 * used / 300, 2)


def test_a_limit_of_nothing() -> None:
    assert standing(0, 0)["percentage"] == 100.0
    assert standing(0, 0)["exhausts_at"] == NOW


def test_a_gauge_stays_as_it_is() -> None:
    found = standing(2_400_000, 10_000_000, Metric.STORAGE_GB)
    assert (found["used"], found["limit"], found["remaining"]) == (2.4, 10, 7.6)
    assert (found["projected"], found["exhausts_at"]) == (2.4, None)


def test_the_first_moment_of_a_period() -> None:
    found = _standing(Metric.API_CALL, 1, 1_000, PERIOD, PERIOD.start)
    assert found["projected"] == 30 * 24 * 3600
    assert found["exhausts_at"] == PERIOD.start + timedelta(seconds=1_000)
