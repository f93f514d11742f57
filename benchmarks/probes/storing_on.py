"""A process that goes on storing a tenant's events, one a transaction, until its input ends: the
shard's lock, the placement, the row, as the consumer does it. Answers how long each took.
"""

import sys
import threading
import time
from uuid import UUID

from benchmarks.probes.inside import answer

# isort: split
from django.db import connections

from apps.isolation import public as isolation
from tenlyr.core import ids, redis

LOCK = "SELECT 1 FROM public.metering_shard WHERE shard = %s FOR UPDATE"
INSERT = (
    "INSERT INTO usage_event (tenant_id, id, ts, value, delta, billable, metric)"
    " VALUES (%s, %s, now(), 1, 1, true, 'api_call')"
)


def measure(tenant: str, per_s: float) -> dict[str, list[float]]:
    """Milliseconds of each write, waiting included."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    tenant_id, waits, due = UUID(tenant), [], time.perf_counter()
    while not ended.is_set():
        due += 1 / per_s
        time.sleep(max(0.0, due - time.perf_counter()))
        began = time.perf_counter()
        _store(tenant_id)
        waits.append((time.perf_counter() - began) * 1e3)
    connections.close_all()
    return {"waits_ms": waits}


def _store(tenant_id: UUID) -> None:
    with isolation.control_fleet() as connection, connection.cursor() as cursor:
        cursor.execute(LOCK, [redis.shard_of(tenant_id)])
        (location,) = isolation.group([tenant_id])
        with isolation.fleet(location, read_only=False) as scope, scope.cursor() as inner:
            inner.execute(INSERT, [tenant_id, ids.uuid7()])


if __name__ == "__main__":
    answer(measure)
