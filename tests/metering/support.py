"""What metering's tests share: callers, a consumer at hand, and the equations that always hold."""

import json
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from apps.isolation.public import control_fleet, scope
from apps.metering import counters, ingest, periods, reading, track
from apps.metering.events import Event
from apps.metering.periods import LEVEL
from apps.metering.public import Consumer, ensure_partitions
from apps.metering.store import models
from tenlyr.core import auth, clock, redis
from tenlyr.core.coroutines import finish
from tenlyr.core.keys import Kind
from tenlyr.core.metrics import GAUGES, Metric, to_counter
from tenlyr.core.principal import Principal
from tests.cast import Customer

CALL = {"metric": "api_call", "value": 1}
# How long a consumer in another thread may take on a machine that has other work.
BOUND_S = 60


def store() -> int:
    """Store all that is admitted; answers how many events that was."""
    consumer = Consumer()
    try:
        ensure_partitions()
        return consumer.drain()
    finally:
        consumer.leases.leave()


def caller(customer: Customer, **changes: Any) -> Principal:
    """Who tracks with the customer's key; `changes` make it another (limits, a throttle)."""
    return replace(auth.resolve(customer.key, "127.0.0.1"), **changes)


def nobody(**changes: Any) -> Principal:
    """The caller of a tenant that is nowhere but in Redis."""
    tenant_id = uuid4()
    made = Principal(Kind.TENANT, uuid4(), uuid4(), tenant_id, 1, tenant_id=tenant_id)
    return replace(made, **changes)


def event(principal: Principal, key: str | None = None, **fields: Any) -> Event:
    """An event as the door makes it."""
    body = json.dumps({**CALL, **fields}).encode()
    return reading.one(body, tenant_id=principal.tenant, key=key, now_ms=clock.epoch_ms())


def admit(principal: Principal, **fields: Any) -> ingest.Outcome:
    """Admit one event straight away."""
    return ingest.admit(principal, [event(principal, **fields)])[0]


def many(principal: Principal, events: Iterable[Any], key: str | None = None) -> dict[str, Any]:
    """Track a batch; its answer."""
    body = json.dumps(list(events)).encode()
    answer: dict[str, Any] = json.loads(
        finish(track.many(principal, body, key, redis.blocking, is_lines=False))
    )
    return answer


def this_month() -> str:
    """The period of what is tracked now."""
    return periods.of(clock.now()).name


def used(tenant_id: UUID, metric: Metric, period: str) -> int:
    """A counter as Redis holds it."""
    name = redis.usage(redis.shard_of(tenant_id), tenant_id, metric, period)
    return int(redis.client().get(name) or 0)


def rows(tenant_id: UUID) -> list[models.Event]:
    """The tenant's stored events, oldest first."""
    with scope(tenant_id, read_only=True):
        return list(models.Event.objects.filter(tenant_id=tenant_id).order_by("ts", "id"))


def entries(tenant_id: UUID) -> list[dict[bytes, bytes]]:
    """What the tenant's stream holds of it."""
    found = redis.client().xrange(redis.stream(redis.shard_of(tenant_id)))
    return [fields for _, fields in found if fields[b"b"][6:22] == tenant_id.bytes]


def assert_agree(tenant_id: UUID) -> None:
    """O1: events, minutes, hours, days, months and counters say the same, and no event
    is there twice.
    """
    events = rows(tenant_id)
    assert len({row.id for row in events}) == len(events)
    for metric in Metric:
        here = [row for row in events if row.metric == metric]
        total, count = sum((row.delta for row in here), Decimal()), len(here)
        with scope(tenant_id, read_only=True):
            minutes = list(models.Minute.objects.filter(tenant_id=tenant_id, metric=metric))
            rollups = list(models.Rollup.objects.filter(tenant_id=tenant_id, metric=metric))
        assert (sum(row.value for row in minutes), sum(row.count for row in minutes)) == (
            total,
            count,
        )
        for grain in ("hour", "day", "month"):
            of_grain = [row for row in rollups if row.grain == grain]
            assert sum(row.value for row in of_grain) == total, grain
            assert sum(row.count for row in of_grain) == count, grain
        months = {f"{row.start:%Y%m}": row.value for row in rollups if row.grain == "month"}
        periods = {LEVEL: total} if metric in GAUGES else months
        for period, value in periods.items():
            assert used(tenant_id, metric, period) == to_counter(metric, value), (metric, period)
    assert counters.totals([tenant_id])[tenant_id].keys() == set(Metric)


# Where a row has its event's id, the length of its timestamp, and the timestamp.
ID, LENGTH, TIME = slice(26, 42), slice(42, 46), slice(46, 54)
SPOILT = {
    "length": (LENGTH, (9).to_bytes(4)),
    # Later than Postgres knows; later than there is a partition.
    "time": (TIME, (2**63 - 256).to_bytes(8)),
    "far time": (TIME, (7_900 * 365 * 86_400 * 10**6).to_bytes(8)),
}


def spoilt(row: bytes, how: str) -> bytes:
    """The row as that of another event, which Postgres refuses."""
    where, what = SPOILT[how]
    for place, written in ((ID, uuid4().bytes), (where, what)):
        row = row[: place.start] + written + row[place.stop :]
    return row


def dead_letters(tenant_id: UUID) -> list[tuple[str, str]]:
    """Entry and reason of the tenant's dead letters."""
    with control_fleet() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT entry, reason FROM metering_dead_letter WHERE tenant_id = %s ORDER BY id",
            [tenant_id],
        )
        return list(cursor.fetchall())


def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Run `act` in `count` threads that all start together."""
    gate = threading.Barrier(count)

    def one(number: int) -> Any:
        gate.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
