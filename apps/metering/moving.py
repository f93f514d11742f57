"""What a move takes along of metering: events, minutes, rollups. Counters stay where they are."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from apps.isolation import public as isolation
from apps.isolation.public import Location, MoveBusy, Table
from apps.metering import holding, partitions, periods
from apps.metering.holding import Busy, Hold
from apps.metering.periods import Period

HOLD_S = 0.25
KEYS = {
    "usage_event": ("tenant_id", "id", "ts"),
    "usage_minute": ("tenant_id", "metric", "minute"),
    "usage_rollup": ("tenant_id", "grain", "metric", "start"),
}
# At once so many rows that a statement stays far below its time-out.
DROPPED_AT_ONCE = 20_000

OLDEST = """
SELECT least((SELECT min(ts) FROM usage_event WHERE tenant_id = %(tenant)s),
             (SELECT min(minute) FROM usage_minute WHERE tenant_id = %(tenant)s))
"""


class _Holds(threading.local):
    def __init__(self) -> None:
        self.open: dict[UUID, Hold] = {}


_holds = _Holds()


class Usage:
    """The movable part "usage" (`isolation.public.Part`)."""

    name = "usage"

    def tables(self, tenant_id: UUID, source: Location, target: Location) -> list[Table]:
        """Nothing refers to anything among them."""
        return [Table(source.schema, name, target.schema, key) for name, key in KEYS.items()]

    def prepare(self, tenant_id: UUID, source: Location, target: Location) -> None:
        """The months that the tenant's rows are in, and those that new ones may be in."""
        wanted = partitions.wanted() | _months(tenant_id, source)
        for parent, month in sorted(
            wanted - partitions.of_location(target), key=lambda one: (one[0], one[1].name)
        ):
            partitions.make(target, parent, month)

    @contextmanager
    def hold(self, tenant_id: UUID) -> Iterator[None]:
        """The tenant's shard is not stored meanwhile, in no database; events go on arriving."""
        try:
            with holding.held(tenant_id, wait_s=HOLD_S) as hold:
                _holds.open[tenant_id] = hold
                yield
        except Busy as error:
            raise MoveBusy(str(error)) from error
        finally:
            _holds.open.pop(tenant_id, None)

    def arrive(self, tenant_id: UUID, source: Location, target: Location, epoch: int) -> None:
        """Both positions are right as they are: entries up to the control plane's are in the rows
        that were copied, those after it are nowhere. Raises `MoveBusy` when the target is ahead,
        and `DatabaseError` when the hold was lost.
        """
        hold = _holds.open[tenant_id]
        try:
            hold.fence(target)
        except Busy as error:
            raise MoveBusy(str(error)) from error
        hold.mark()

    def leave(self, tenant_id: UUID, source: Location, target: Location, epoch: int) -> None:
        """Nobody comes: the store reads places under the lock that the hold had, and one who had
        it before is fenced.
        """

    def drop(self, tenant_id: UUID, location: Location) -> int:
        """Remove the rows, some at a time; raises `ValueError` where the tenant lives."""
        lives = {(place.alias, place.schema) for place in isolation.group([tenant_id])}
        if (location.alias, location.schema) in lives:
            raise ValueError(f"{tenant_id} lives at {location.alias}/{location.schema}")
        return sum(_drop(tenant_id, location, name, key) for name, key in KEYS.items())


def _months(tenant_id: UUID, source: Location) -> set[tuple[str, Period]]:
    """The months at the source since the tenant's oldest row."""
    with isolation.fleet(source) as scope, scope.cursor() as cursor:
        cursor.execute(OLDEST, {"tenant": tenant_id})
        (oldest,) = cursor.fetchone()
    if oldest is None:
        return set()
    since = periods.of(oldest).start
    return {(parent, m) for parent, m in partitions.of_location(source) if m.start >= since}


def _drop(tenant_id: UUID, location: Location, table: str, key: tuple[str, ...]) -> int:
    columns = ", ".join(key)
    statement = (
        f"DELETE FROM {table} WHERE tenant_id = %(tenant)s AND ({columns}) IN"
        f" (SELECT {columns} FROM {table} WHERE tenant_id = %(tenant)s LIMIT {DROPPED_AT_ONCE})"
    )
    removed = 0
    while True:
        with isolation.fleet(location, read_only=False) as scope, scope.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s) IS NULL", [table])
            if cursor.fetchone()[0]:
                return removed
            cursor.execute(statement, {"tenant": tenant_id})
            removed += cursor.rowcount
            if cursor.rowcount < DROPPED_AT_ONCE:
                return removed
