"""The tenant's usage events: every value follows from the event's number, and its id says which."""

import time
from dataclasses import dataclass
from functools import cache

from tests.faults.workload import DAY_MS

MICRO = 1_000_000
# Events from this number on are tracked one by one during the moves, at the server's time.
TRACKED = 1 << 40
DAYS = 30


@dataclass(frozen=True, slots=True)
class Events:
    """`prefix` begins the id of every event; `now_ms` is when the filling began."""

    prefix: str
    now_ms: int

    def id(self, number: int) -> str:
        """The id that the client gives it."""
        return f"{self.prefix}{number:012x}"

    def number(self, event_id: str) -> int:
        """The number of an id of ours, -1 for one that is not."""
        return int(event_id[24:], 16) if event_id.startswith(self.prefix) else -1

    def at_ms(self, number: int) -> int | None:
        """When it happened: within the last month, None for the server's own clock."""
        if number >= TRACKED:
            return None
        return self.now_ms - (number * 7_919_003) % (DAYS * DAY_MS)

    def body(self, number: int) -> str:
        """Its JSON."""
        metric, value, status, endpoint = _values(number)
        moment = self.at_ms(number)
        when = "" if moment is None else f',"timestamp":"{_iso(moment)}"'
        return (
            f'{{"id":"{self.id(number)}","metric":"{metric}","value":{value},'
            f'"statusCode":{status},"endpoint":"{endpoint}"{when}}}'
        )

    def row(self, number: int) -> tuple[str, ...]:
        """Metric, value and effect in millionths, status and endpoint, as they must be stored."""
        metric, value, status, endpoint = _values(number)
        effect = 0 if status >= 500 else value * MICRO
        return metric, str(value * MICRO), str(effect), str(status), endpoint


def _values(number: int) -> tuple[str, int, int, str]:
    metric = "compute" if number % 10 == 3 else "api_call"
    status = 503 if number % 50 == 7 else 200
    return metric, 1 + number % 3, status, f"/v1/things/{number % 97}"


def _iso(moment_ms: int) -> str:
    seconds, ms = divmod(moment_ms, 1000)
    day, second = divmod(seconds, 86_400)
    hour, minute = divmod(second // 60, 60)
    return f"{_date(day)}T{hour:02}:{minute:02}:{second % 60:02}.{ms:03}Z"


@cache
def _date(day: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(day * 86_400))
