"""What a tenant's keys in Redis are called: for admission, reads and rebuilding alike."""

from functools import lru_cache
from uuid import UUID

from apps.metering import periods
from tenlyr.core import redis
from tenlyr.core.metrics import GAUGES

# Of one tenant's counters, by metric and day, that a process keeps the names of.
MOST_COUNTERS = 500


class Names:
    """The Redis keys of a tenant, made once."""

    __slots__ = ("_counters", "fixed", "shard", "tenant_id")

    def __init__(self, tenant_id: UUID) -> None:
        self.tenant_id, self.shard = tenant_id, redis.shard_of(tenant_id)
        self.fixed = (
            redis.ready(self.shard),
            redis.stream(self.shard),
            redis.throttle(self.shard, tenant_id),
            redis.seen(self.shard),
        )
        self._counters: dict[tuple[str, int], tuple[str, int]] = {}

    def counter(self, metric: str, period: str) -> str:
        """A counter's key; `period` is `yyyymm` or `level`."""
        return redis.usage(self.shard, self.tenant_id, metric, period)

    def counter_on(self, metric: str, day: int) -> tuple[str, int]:
        """The counter that an event of that day belongs to, and when it may expire (0: never)."""
        found = self._counters.get((metric, day))
        if found is None:
            if len(self._counters) >= MOST_COUNTERS:
                self._counters.clear()
            found = self._counters[metric, day] = self._counter_on(metric, day)
        return found

    def _counter_on(self, metric: str, day: int) -> tuple[str, int]:
        if metric in GAUGES:
            return self.counter(metric, periods.LEVEL), 0
        period = periods.at(day * periods.DAY_MS)
        return self.counter(metric, period.name), period.expires_ms


@lru_cache(maxsize=50_000)
def names_of(tenant_id: UUID) -> Names:
    """The keys that the script touches for a tenant."""
    return Names(tenant_id)
