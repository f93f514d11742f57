"""G10: a cycle of health over tenants in bulk, and the brute scan of the events that it judges."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg

from benchmarks.probes.inside import answer

# isort: split
from apps.health import scanning
from apps.health.models import Current
from apps.metering.inserting import LATENCY_BOUNDS_MS
from apps.metering.public import ensure_partitions
from benchmarks.probes import population
from benchmarks.stats import median

WINDOW_MINUTES = 5
# Minutes of every tenant before the window: what an index is for.
OLDER_MINUTES = 30
# Tenant by tenant, so that the keys' index grows at its end; nine of ten know how long they took.
FILL = """
INSERT INTO tenlyr_shared.usage_event (tenant_id, id, ts, value, delta, latency_ms, status_code,
                                       success, billable, metric)
SELECT t, ('{head}' || lpad(to_hex(n), 12, '0'))::uuid,
       %(since)s + make_interval(secs => 300.0 * (n - %(first)s) / %(each)s), 1, 1,
       CASE WHEN n %% 10 > 0 THEN 3 * (n * 7919 %% 997) END,
       CASE WHEN n %% 50 = 49 THEN 500 ELSE 200 END, NULL, true, 'api_call'
FROM unnest(%(tenants)s::uuid[]) AS t,
     generate_series(%(first)s::int, %(first)s::int + %(each)s::int - 1) AS n
"""
# As the store counts them (apps/metering/sql/store.sql).
COUNT = """
INSERT INTO tenlyr_shared.usage_minute
SELECT tenant_id, minute, metric, count(*),
       count(*) FILTER (WHERE success IS FALSE OR status_code >= 500),
       count(*) FILTER (WHERE success IS NOT NULL OR status_code IS NOT NULL), sum(delta),
       count(latency_ms), coalesce(sum(latency_ms), 0), ARRAY[{buckets}]
FROM (SELECT *, date_bin('1 minute', ts, 'epoch') AS minute,
             width_bucket(latency_ms, %(bounds)s::float8[]) AS bucket
      FROM tenlyr_shared.usage_event) AS placed
GROUP BY 1, 2, 3 ORDER BY 2, 1
"""
OLDER = """
INSERT INTO tenlyr_shared.usage_minute
SELECT tenant_id, %(since)s - make_interval(mins => n), metric, count, errors, known, value,
       latency_count, latency_sum_ms, latencies
FROM generate_series(1, %(older)s::int) AS n, tenlyr_shared.usage_minute WHERE minute = %(since)s
"""
BRUTE = """
SELECT tenant_id, count(*), count(*) FILTER (WHERE success IS FALSE OR status_code >= 500),
       count(*) FILTER (WHERE success IS NOT NULL OR status_code IS NOT NULL)
FROM tenlyr_shared.usage_event WHERE ts >= %(since)s AND ts < %(until)s GROUP BY tenant_id
"""
EMPTY = """
TRUNCATE tenlyr_shared.usage_event, tenlyr_shared.usage_minute, public.health_current,
         public.health_progress, public.health_history;
"""


def measure(tenants: int, steps: list[int], rounds: int) -> list[dict[str, float]]:
    """With each number of events in all, the later ones on top: what a cycle takes when every
    tenant's numbers changed and when none's did, and the brute scan. Milliseconds.
    """
    ensure_partitions()
    who = [str(tenant) for tenant, _ in population.shared(tenants)]
    since = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=WINDOW_MINUTES)
    found, there = [], 0
    with psycopg.connect(os.environ["BENCH_SUPERUSER_URL"], autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'; SET synchronous_commit = off;" + EMPTY)
        for events in steps:
            _fill(connection, who, since, there, events)
            there = events
            found.append(_measured(connection, tenants, since, rounds))
        connection.execute(EMPTY)
    return found


def _fill(connection: Any, who: list[str], since: datetime, there: int, events: int) -> None:
    first, each = there // len(who), (events - there) // len(who)
    named: dict[str, Any] = {
        "tenants": who,
        "since": since,
        "first": first,
        "each": each,
        "older": OLDER_MINUTES,
        "bounds": LATENCY_BOUNDS_MS,
    }
    buckets = ", ".join(
        f"count(*) FILTER (WHERE bucket = {place})" for place in range(len(LATENCY_BOUNDS_MS) + 1)
    )
    connection.execute(FILL.format(head="00000000-0000-7000-8000-"), named)
    connection.execute("TRUNCATE tenlyr_shared.usage_minute")
    connection.execute(COUNT.format(buckets=buckets), named)
    connection.execute(OLDER, named)
    for table in ("usage_event", "usage_minute"):
        connection.execute(f"VACUUM ANALYZE tenlyr_shared.{table}")
    connection.execute("CHECKPOINT")


def _measured(connection: Any, tenants: int, since: datetime, rounds: int) -> dict[str, float]:
    now = since + timedelta(minutes=WINDOW_MINUTES)
    # First everybody is new; then each has a row, whatever a cycle does.
    scanning.scan(now)
    if Current.objects.filter(status="healthy").count() != tenants:
        raise AssertionError("not every tenant was judged")
    taken: dict[str, list[float]] = {"changed_ms": [], "same_ms": [], "brute_ms": []}
    for number in range(1, rounds + 1):
        # A second later the same calls are another rate: every row is written anew.
        later = now + timedelta(seconds=number)
        taken["changed_ms"].append(_timed_ms(partial(scanning.scan, later)))
        taken["same_ms"].append(_timed_ms(partial(scanning.scan, later)))
        taken["brute_ms"].append(_timed_ms(partial(_brute, connection, tenants, since, now)))
    return {name: median(every) for name, every in taken.items()}


def _brute(connection: Any, tenants: int, since: datetime, until: datetime) -> None:
    rows = connection.execute(BRUTE, {"since": since, "until": until}).fetchall()
    if len(rows) != tenants:
        raise AssertionError("the brute scan did not see every tenant")


def _timed_ms(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


if __name__ == "__main__":
    answer(measure)
