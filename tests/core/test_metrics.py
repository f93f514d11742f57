"""Metrics are counted in whole units and never pass through a float (X3, B05)."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenlyr.core import metrics
from tenlyr.core.metrics import Metric


@pytest.mark.parametrize(
    ("metric", "value", "count"),
    [
        (Metric.API_CALL, 1, 1),
        (Metric.SEATS, 7, 7),
        (Metric.COMPUTE, 10**12, 10**12),
        (Metric.STORAGE_GB, Decimal("2.4"), 2_400_000),
        (Metric.STORAGE_GB, Decimal("0.000001"), 1),
        (Metric.STORAGE_GB, 3, 3_000_000),
    ],
)
def test_a_value_in_counter_units(metric: Metric, value: Decimal | int, count: int) -> None:
    assert metrics.to_counter(metric, value) == count


def test_whole_numbers_are_shown_whole() -> None:
    shown = metrics.from_counter(Metric.STORAGE_GB, 3_000_000)
    assert (shown, type(shown)) == (3, int)
    assert metrics.from_counter(Metric.STORAGE_GB, 2_400_000) == 2.4
    assert metrics.from_counter(Metric.API_CALL, 4_821) == 4_821


def test_ten_tenths_are_one() -> None:
    tenth = metrics.to_counter(Metric.STORAGE_GB, Decimal("0.1"))
    assert metrics.from_counter(Metric.STORAGE_GB, 10 * tenth) == 1


@given(st.decimals(0, metrics.LARGEST_VALUE, places=6, allow_nan=False, allow_infinity=False))
def test_six_decimals_are_kept_exactly(value: Decimal) -> None:
    count = metrics.to_counter(Metric.STORAGE_GB, value)
    assert Decimal(count) / metrics.MICRO == value


def test_every_metric_has_a_scale() -> None:
    assert set(metrics.SCALE) == set(Metric)
    assert set(Metric) > metrics.GAUGES
