"""What a tenant's plan allows, pure: limits as people write and as counters hold them (X14)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from apps.tenants.errors import BrokenCatalogue
from tenlyr.core.metrics import LARGEST_VALUE, SCALE, Metric, to_counter


class TenantPlan(StrEnum):
    """The four plans of a tenant; the workspace's own plan is another matter (X13)."""

    STARTER = "starter"
    GROWTH = "growth"
    SCALE = "scale"
    ENTERPRISE = "enterprise"


@dataclass(frozen=True, slots=True)
class Limit:
    """The most of one metric in natural units (GB for storage), None for any amount.

    A strict limit refuses the call that would pass it; another is shown and alerted on.
    """

    most: int | Decimal | None = None
    is_strict: bool = False


Limits = dict[Metric, Limit]


def read(stored: Mapping[str, Any]) -> Limits:
    """The limits of all metrics out of a version's JSON; raises `BrokenCatalogue`."""
    if not isinstance(stored, Mapping):
        raise BrokenCatalogue("give an object of metrics")
    unknown = set(stored) - set(Metric)
    if unknown:
        raise BrokenCatalogue(f"no such metric: {', '.join(sorted(unknown))}")
    return {metric: _read_one(metric, stored.get(metric)) for metric in Metric}


def _read_one(metric: Metric, stored: Any) -> Limit:
    if stored is None:
        return Limit()
    if not isinstance(stored, dict) or set(stored) != {"limit", "strict"}:
        raise BrokenCatalogue(f"{metric}: give limit (a number or null) and strict (true or false)")
    most, is_strict = stored["limit"], stored["strict"]
    if not isinstance(is_strict, bool):
        raise BrokenCatalogue(f"{metric}: strict must be true or false")
    if most is None:
        return Limit(None, is_strict)
    if isinstance(most, bool) or not isinstance(most, int | float):
        raise BrokenCatalogue(f"{metric}: limit must be a number or null")
    # By way of text: 0.1 means a tenth, not the binary fraction next to it.
    return Limit(_checked(metric, Decimal(str(most))), is_strict)


def _checked(metric: Metric, most: Decimal) -> int | Decimal:
    if not most.is_finite() or not 0 <= most <= LARGEST_VALUE:
        raise BrokenCatalogue(f"{metric}: limit must be from 0 to {LARGEST_VALUE}")
    if most * SCALE[metric] % 1:
        raise BrokenCatalogue(f"{metric}: limit has more decimals than are counted")
    return int(most) if most == most.to_integral_value() else most


def in_counters(limits: Limits) -> dict[Metric, int | None]:
    """Every metric's limit in counter units."""
    return {
        metric: None if limit.most is None else to_counter(metric, limit.most)
        for metric, limit in limits.items()
    }


def strict_in_counters(limits: Limits) -> dict[str, int]:
    """What the hot path enforces: strict limits only, in counter units."""
    return {
        str(metric): to_counter(metric, limit.most)
        for metric, limit in limits.items()
        if limit.is_strict and limit.most is not None
    }
