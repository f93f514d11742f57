"""The end of a tenant's usage: rows, dead letters and counters (R17, X38)."""

import time
from uuid import UUID

from apps.isolation import public as isolation
from apps.metering import counters, holding, periods, stream
from tenlyr.core import clock, redis

TABLES = ("usage_event", "usage_minute", "usage_rollup")
DRAIN_S = 10.0
POLL_S = 0.02
# As many months as counters are kept, and the next: clocks differ.
MONTHS = 5


class NotDrained(Exception):
    """The consumer did not store in time what had been admitted."""


def drain(tenant_id: UUID, timeout_s: float = DRAIN_S) -> None:
    """Wait until all that was admitted before this call is stored; raises `NotDrained`."""
    shard = redis.shard_of(tenant_id)
    target = stream.last_added(shard)
    deadline = time.monotonic() + timeout_s
    while not stream.is_stored(shard, target):
        if time.monotonic() > deadline:
            raise NotDrained(f"shard {shard} still holds entries up to {target}")
        time.sleep(POLL_S)


def purge(tenant_id: UUID) -> int:
    """Remove everything; answers how many rows went. A second time does nothing.

    Raises `NotDrained` while something is unstored. What Redis remembers of event ids is not
    searched for: it is gone about two hours later.
    """
    drain(tenant_id)
    try:
        # No consumer writes behind us.
        with holding.held(tenant_id, wait_s=DRAIN_S) as hold:
            removed = _purge_rows(tenant_id)
            shard = hold.shard
    except holding.Busy as error:
        raise NotDrained(str(error)) from error
    _forget_counters(tenant_id, shard)
    return removed


def _purge_rows(tenant_id: UUID) -> int:
    removed = 0
    for location in isolation.group([tenant_id]):
        with isolation.fleet(location, read_only=False) as scope, scope.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"DELETE FROM {table} WHERE tenant_id = %s", [tenant_id])
                removed += cursor.rowcount
    with isolation.control_fleet() as connection, connection.cursor() as cursor:
        cursor.execute("DELETE FROM public.metering_dead_letter WHERE tenant_id = %s", [tenant_id])
        removed += cursor.rowcount
    return removed


def _forget_counters(tenant_id: UUID, shard: int) -> None:
    newest = periods.of(clock.now() + periods.MONTH_AHEAD)
    keys = {
        key
        for period in periods.latest(newest.start, MONTHS)
        for key in counters.keys_of(tenant_id, period)
    }
    redis.client().delete(*sorted(keys), redis.throttle(shard, tenant_id))
