"""The door of metering: all that other apps may use."""

from apps.metering.consumer import Consumer as Consumer
from apps.metering.counters import totals as totals
from apps.metering.limits import load_with as load_limits_with
from apps.metering.partitions import ensure_partitions as ensure_partitions
from apps.metering.periods import of as period_of
from apps.metering.purging import NotDrained as NotDrained
from apps.metering.purging import drain as drain
from apps.metering.recent import Packed as Packed
from apps.metering.recent import Recent as Recent
from apps.metering.recent import joined as joined
from apps.metering.recent import recent as recent
from apps.metering.throttling import spend as spend_throttle

__all__ = [
    "Consumer",
    "NotDrained",
    "Packed",
    "Recent",
    "drain",
    "ensure_partitions",
    "joined",
    "load_limits_with",
    "period_of",
    "recent",
    "spend_throttle",
    "totals",
]
