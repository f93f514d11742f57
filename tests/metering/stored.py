"""Tracking and storing for the tests of the store, and what is in Postgres afterwards."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from apps.isolation.public import scope
from apps.metering import stream
from apps.metering.public import Consumer, ensure_partitions
from apps.metering.store.models import Event, Minute, Rollup
from apps.metering.stream import START, Entry
from tenlyr.core import redis
from tests.cast import Api, Customer

TRACK = "/api/v1/usage/track"
BATCH = "/api/v1/usage/track/batch"
METRICS = "/api/v1/usage/metrics"


def consume() -> int:
    """Store all that is admitted, as a consumer that comes and goes; answers how many events."""
    ensure_partitions()
    consumer = Consumer()
    try:
        return consumer.drain()
    finally:
        consumer.leases.leave()


def track(tenant: Customer, **fields: Any) -> Any:
    """Track one event; answers the event that counts."""
    body = {"metric": "api_call", "value": 1, **fields}
    answer = Api().post(TRACK, body, key=tenant.key)
    assert answer.status == 201, answer.body
    return answer.body


def used(tenant: Customer, name: str = "apiCalls") -> Any:
    """The tenant's total, from its counter."""
    return Api().get(METRICS, key=tenant.key).body[name]


def entries(tenant: Customer) -> list[Entry]:
    """What waits in the tenant's stream for it."""
    waiting = stream.read({redis.shard_of(tenant.id): START}, count=1_000)
    return [entry for entry in waiting if not entry.damage and entry.tenant_id == tenant.id]


def events(tenant: Customer) -> list[Event]:
    """The tenant's rows, oldest first."""
    with scope(tenant.id):
        return list(Event.objects.filter(tenant_id=tenant.id).order_by("ts", "id"))


def sums(tenant: Customer, metric: str = "api_call") -> dict[str, tuple[int, int, Decimal]]:
    """(count, errors, value) of a metric, by every kind of rollup and by the events themselves."""
    with scope(tenant.id):
        rows = Rollup.objects.filter(tenant_id=tenant.id, metric=metric)
        minutes = list(Minute.objects.filter(tenant_id=tenant.id, metric=metric))
        found = {
            grain: _sum([row for row in rows if row.grain == grain])
            for grain in ("hour", "day", "month")
        }
    stored = [event for event in events(tenant) if event.metric == metric]
    failed = [e for e in stored if e.success is False or (e.status_code or 0) >= 500]
    change = sum((event.delta for event in stored), Decimal(0))
    return {**found, "minute": _sum(minutes), "event": (len(stored), len(failed), change)}


def _sum(rows: list[Any]) -> tuple[int, int, Decimal]:
    return (
        sum(row.count for row in rows),
        sum(row.errors for row in rows),
        sum((row.value for row in rows), Decimal(0)),
    )


def forget_ids(tenant: Customer) -> None:
    """Make Redis forget every event id of the tenant's shard, as it does after an hour."""
    for key in redis.client().scan_iter(match=f"{redis.seen(redis.shard_of(tenant.id))}*"):
        redis.client().delete(key)


def an_id() -> str:
    """An event id of a client's own."""
    return str(uuid4())


def moment(text: str) -> datetime:
    """A timestamp of the wire."""
    return datetime.fromisoformat(text)
