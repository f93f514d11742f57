"""Calendar months in UTC: an event counts in the period of its own timestamp (X20, X22)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

DAY_MS = 86_400_000
# A counter outlives its period by more than the oldest timestamp that is still accepted.
KEPT_AFTER_MS = 62 * DAY_MS
LEVEL = "level"
MONTH_AHEAD = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Period:
    """A month: `start` inclusive, `end` exclusive; `name` is `yyyymm`."""

    name: str
    start: datetime
    end: datetime

    @property
    def expires_ms(self) -> int:
        """When its counters may be forgotten, in epoch milliseconds."""
        return int(self.end.timestamp()) * 1000 + KEPT_AFTER_MS

    @property
    def previous(self) -> "Period":
        """The month before."""
        year, month = self.start.year, self.start.month
        return of_month(*((year - 1, 12) if month == 1 else (year, month - 1)))


@lru_cache(maxsize=512)
def of_month(year: int, month: int) -> Period:
    """The period of a calendar month."""
    end = (year + 1, 1) if month == 12 else (year, month + 1)
    return Period(
        f"{year:04d}{month:02d}",
        datetime(year, month, 1, tzinfo=UTC),
        datetime(*end, 1, tzinfo=UTC),
    )


@lru_cache(maxsize=512)
def _of_day(day: int) -> Period:
    moment = datetime.fromtimestamp(day * 86_400, UTC)
    return of_month(moment.year, moment.month)


def at(ts_ms: int) -> Period:
    """The period of a moment in epoch milliseconds."""
    return _of_day(ts_ms // DAY_MS)


def of(moment: datetime) -> Period:
    """The period of an aware moment."""
    in_utc = moment.astimezone(UTC)
    return of_month(in_utc.year, in_utc.month)


def latest(moment: datetime, count: int) -> Iterator[Period]:
    """The period of `moment` and those before it, `count` in all, newest first."""
    period = of(moment)
    for _ in range(count):
        yield period
        period = period.previous
