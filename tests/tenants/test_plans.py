"""Plan limits: read, refused, and turned into counter units (X14, X3)."""

from decimal import Decimal
from typing import Any

import pytest

from apps.tenants import plans
from apps.tenants.errors import BrokenCatalogue
from apps.tenants.plans import Limit
from tenlyr.core.metrics import Metric


def one(limit: Any, strict: Any = False) -> dict[str, Any]:
    return {"limit": limit, "strict": strict}


def test_a_metric_that_is_not_named_has_no_limit() -> None:
    assert plans.read({}) == {metric: Limit() for metric in Metric}


def test_limits_are_in_natural_units() -> None:
    limits = plans.read({"storage_gb": one(0.5), "seats": one(3), "api_call": one(1000, True)})
    assert limits[Metric.STORAGE_GB] == Limit(Decimal("0.5"), False)
    assert limits[Metric.SEATS] == Limit(3, False)
    assert limits[Metric.API_CALL] == Limit(1000, True)
    assert limits[Metric.COMPUTE] == Limit(None, False)


def test_counters_hold_storage_in_millionths() -> None:
    limits = plans.read({"storage_gb": one(0.000001), "compute": one(7), "seats": one(None)})
    assert plans.in_counters(limits) == {
        Metric.API_CALL: None,
        Metric.STORAGE_GB: 1,
        Metric.SEATS: None,
        Metric.COMPUTE: 7,
    }


def test_a_tenth_is_a_tenth() -> None:
    limits = plans.read({"storage_gb": one(0.1)})
    assert plans.in_counters(limits)[Metric.STORAGE_GB] == 100_000


def test_only_strict_limits_are_enforced() -> None:
    stored = {
        "api_call": one(1000, True),
        "storage_gb": one(2, True),
        "seats": one(3),
        "compute": one(None, True),
    }
    strict = plans.strict_in_counters(plans.read(stored))
    assert strict == {"api_call": 1000, "storage_gb": 2_000_000}


def test_a_limit_of_nothing_is_a_limit() -> None:
    assert plans.strict_in_counters(plans.read({"api_call": one(0, True)})) == {"api_call": 0}


@pytest.mark.parametrize(
    "stored",
    [
        {"api_calls": one(1)},
        {"api_call": 1},
        {"api_call": {"limit": 1}},
        {"api_call": {**one(1), "soft": True}},
        {"api_call": one(1, "yes")},
        {"api_call": one(True)},
        {"api_call": one("1")},
        {"api_call": one(-1)},
        {"api_call": one(1.5)},
        {"seats": one(0.5)},
        {"storage_gb": one(0.0000001)},
        {"compute": one(10**12 + 1)},
        {"storage_gb": one(float("inf"))},
        {"storage_gb": one(float("nan"))},
        [],
        None,
        "api_call",
    ],
)
def test_limits_that_could_not_be_counted_are_refused(stored: Any) -> None:
    with pytest.raises(BrokenCatalogue):
        plans.read(stored)
