"""The door of metering: all that other apps may use."""

from apps.metering.consumer import Consumer as Consumer
from apps.metering.counters import totals as totals
from apps.metering.limits import load_with as load_limits_with
from apps.metering.partitions import ensure_partitions as ensure_partitions
from apps.metering.periods import of as period_of
from apps.metering.purging import NotDrained as NotDrained
from apps.metering.purging import drain as drain
from apps.metering.throttling import spend as spend_throttle

__all__ = [
    "Consumer",
    "NotDrained",
    "drain",
    "ensure_partitions",
    "load_limits_with",
    "period_of",
    "spend_throttle",
    "totals",
]
