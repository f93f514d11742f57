"""Who makes its neighbours suffer: a tenant's share of its database's load, and how far that load
is from its own past. Pure (A26).

The past is judged by median and median absolute deviation, so that a few wild hours do not make
the next ones look tame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

# With fewer neighbours or less load nobody suffers.
LEAST_TENANTS = 3
LEAST_FLEET_PER_MINUTE = 60.0
# A share that others feel, and one below which they do not any more.
NOISY_SHARE, QUIET_SHARE = 0.3, 0.2
# How many times its usual load, and how many deviations away from it; half is quiet again.
NOISY_GROWTH, QUIET_GROWTH = 3.0, 1.5
NOISY_DEVIATIONS = 6.0
# Hours that make a past: of a newcomer nobody can say what is unusual.
LEAST_HOURS = 12
# The deviation of a normal distribution is that many median absolute deviations.
NORMAL = 1.4826
# A past that never changed is taken to vary by a tenth, or by an event a minute.
LEAST_VARIATION, LEAST_PER_MINUTE = 0.1, 1.0


@dataclass(frozen=True, slots=True)
class Load:
    """A tenant in the last minutes, beside all tenants of its database: events a minute."""

    per_minute: float
    fleet_per_minute: float
    active_tenants: int

    @property
    def share(self) -> float:
        """Its part of the whole, from 0 to 1."""
        return self.per_minute / self.fleet_per_minute if self.fleet_per_minute else 0.0


@dataclass(frozen=True, slots=True)
class Usual:
    """A tenant's own past: its median load in events a minute, how much that varies, and of how
    many hours this is known.
    """

    per_minute: float
    deviation: float
    hours: int


def usual(hourly: Sequence[float]) -> Usual | None:
    """The past by the load of its hours, in events a minute; None for too short a one."""
    if len(hourly) < LEAST_HOURS:
        return None
    middle = median(hourly)
    spread = NORMAL * median(abs(one - middle) for one in hourly)
    return Usual(middle, max(spread, LEAST_VARIATION * middle, LEAST_PER_MINUTE), len(hourly))


def is_noisy(load: Load, past: Usual, *, was_noisy: bool) -> bool:
    """Whether the neighbours suffer. Who was noisy stays so until it is clearly over."""
    if load.active_tenants < LEAST_TENANTS or load.fleet_per_minute < LEAST_FLEET_PER_MINUTE:
        return False
    if load.share < (QUIET_SHARE if was_noisy else NOISY_SHARE):
        return False
    if was_noisy:
        return load.per_minute >= QUIET_GROWTH * past.per_minute
    distance = (load.per_minute - past.per_minute) / past.deviation
    grown = load.per_minute >= NOISY_GROWTH * past.per_minute
    return grown and distance >= NOISY_DEVIATIONS


def words(name: str, load: Load, past: Usual) -> str:
    """What a person is told of a noisy tenant."""
    part = (
        f"{name} makes {load.share:.0%} of the load of its database:"
        f" {load.per_minute:,.0f} of {load.fleet_per_minute:,.0f} events a minute,"
        f" with {load.active_tenants:,} tenants active."
    )
    if not past.per_minute:
        return f"{part} Usually it sends next to nothing (median of {past.hours} hours)."
    return (
        f"{part} That is {load.per_minute / past.per_minute:,.1f} times its usual"
        f" {past.per_minute:,.0f} (median of {past.hours} hours)."
    )


def words_of_quiet(name: str) -> str:
    """What a person is told of one that is quiet again."""
    return f"{name} makes no unusual part of the load of its database any more."
