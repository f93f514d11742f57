"""The four metrics (A15), and how their values are counted without ever touching a float."""

from decimal import Decimal
from enum import StrEnum

MICRO = 1_000_000
LARGEST_VALUE = 10**12


class Metric(StrEnum):
    """What is metered."""

    API_CALL = "api_call"
    STORAGE_GB = "storage_gb"
    SEATS = "seats"
    COMPUTE = "compute"


# A gauge is a level that lasts (seats, storage); the others start from zero each period (X20, X3b).
GAUGES = frozenset({Metric.STORAGE_GB, Metric.SEATS})
# Values with decimals are counted in millionths, the others in ones.
SCALE = {
    Metric.API_CALL: 1,
    Metric.STORAGE_GB: MICRO,
    Metric.SEATS: 1,
    Metric.COMPUTE: 1,
}


def to_counter(metric: Metric, value: Decimal | int) -> int:
    """A value in the whole units that its counter holds."""
    return int(value * SCALE[metric])


def from_counter(metric: Metric, count: int) -> int | float:
    """A counter as the wire shows it: whole numbers as integers (X3)."""
    scale = SCALE[metric]
    return count // scale if count % scale == 0 else count / scale
