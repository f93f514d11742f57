"""Moves a log's span of time so that its latest request becomes now, within this month."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from .loglines import LogLine

_DAY_MS = 86_400_000
# The API takes 35 days (contract X23); the last day is left to the run itself and to slow clocks.
OLDEST_MS = 34 * _DAY_MS


@dataclass(frozen=True, slots=True)
class Timeline:
    """A shift of times, all in Unix milliseconds: ``first``..``last`` becomes ``start``..``end``.

    Where the new span is shorter than the old one it is compressed linearly, which keeps the
    order of the requests and their relative distances.
    """

    first_ms: int
    last_ms: int
    start_ms: int
    end_ms: int

    @property
    def is_compressed(self) -> bool:
        return self.end_ms - self.start_ms < self.last_ms - self.first_ms

    def shift(self, at_ms: int) -> int:
        # Whole numbers: a rounding error of one at the month's start would count in last month.
        before_end = self.last_ms - at_ms
        if self.is_compressed:
            before_end = (
                before_end * (self.end_ms - self.start_ms) // (self.last_ms - self.first_ms)
            )
        return self.end_ms - before_end


def timeline(lines: Iterable[LogLine], *, until_ms: int, now_ms: int) -> Timeline:
    """The shift that makes the latest line ``until_ms`` and keeps the rest in that UTC month.

    Logs are written when a request ends, so their last line need not be their latest: counting
    from the latest keeps every event out of the future. ``lines`` must not be empty.
    """
    times = [line.at_ms for line in lines]
    first_ms, last_ms = min(times), max(times)
    earliest_ms = max(month_start_ms(until_ms), now_ms - OLDEST_MS)
    start_ms = max(until_ms - (last_ms - first_ms), earliest_ms)
    return Timeline(first_ms=first_ms, last_ms=last_ms, start_ms=start_ms, end_ms=until_ms)


def month_start_ms(at_ms: int) -> int:
    """The first millisecond of the UTC month, the period in which an event counts (X22)."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    start = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return int(start.timestamp()) * 1000


def iso(at_ms: int) -> str:
    """The wire's form of a time: ISO 8601, milliseconds, Z."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def parse_iso(text: str) -> int:
    """Unix milliseconds of an ISO 8601 time with its zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone, such as Z")
    return round(moment.timestamp() * 1000)
