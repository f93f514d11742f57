"""G14: a one-row read in a tenant's scope, and in a bare transaction of Django's own backend."""

import os
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

from benchmarks.probes.inside import answer

# isort: split
from django.db import connections, transaction

from apps.isolation.public import scope
from benchmarks.probes import population
from benchmarks.stats import median

STOCK = "stock"
FILL = """
INSERT INTO tenlyr_shared.usage_rollup (tenant_id, start, grain, metric, count, errors, value)
SELECT tenant_id, '2026-01-01', 'month', 'api_call', 1, 0, 1 FROM isolation_placement
ON CONFLICT DO NOTHING;
CREATE SCHEMA IF NOT EXISTS bench;
CREATE TABLE bench.usage_rollup (LIKE tenlyr_shared.usage_rollup INCLUDING ALL);
INSERT INTO bench.usage_rollup SELECT * FROM tenlyr_shared.usage_rollup;
ANALYZE tenlyr_shared.usage_rollup, bench.usage_rollup;
"""
READ = "SELECT value FROM usage_rollup WHERE grain = 'month' AND metric = 'api_call' LIMIT 1"
# Without row-level security the query itself must say whose row it wants.
READ_BARE = (
    "SELECT value FROM bench.usage_rollup"
    " WHERE tenant_id = %s AND grain = 'month' AND metric = 'api_call' LIMIT 1"
)


def _stock_alias(url: str) -> None:
    """The same server through Django's stock backend, as a role that row-level security spares."""
    parts = urlsplit(url)
    connections.databases[STOCK] = {
        **connections.databases["default"],
        "ENGINE": "django.db.backends.postgresql",
        "HOST": parts.hostname,
        "PORT": parts.port,
        "USER": parts.username,
        "PASSWORD": unquote(parts.password or ""),
        "OPTIONS": {"connect_timeout": 5},
        "CONN_MAX_AGE": None,
    }


def measure(tenants: int, rounds: int, calls: int) -> dict[str, float]:
    """Microseconds of a transaction, medians of rounds taken in turns."""
    _stock_alias(os.environ["BENCH_SUPERUSER_URL"])
    owners = [tenant for tenant, _ in population.shared(tenants)]
    with connections[STOCK].cursor() as cursor:
        cursor.execute(FILL)
    subjects: dict[str, Callable[[UUID], Any]] = {"scoped_us": _scoped, "bare_us": _bare}
    taken: dict[str, list[float]] = {name: [] for name in subjects}
    for number in range(rounds + 1):
        for name, call in subjects.items():
            spent = _timed_us(call, owners, calls)
            if number:
                taken[name].append(spent)
    return {name: median(every) for name, every in taken.items()}


def _scoped(tenant: UUID) -> Any:
    with scope(tenant) as here, here.cursor() as cursor:
        cursor.execute(READ)
        return cursor.fetchone()


def _bare(tenant: UUID) -> Any:
    with transaction.atomic(using=STOCK), connections[STOCK].cursor() as cursor:
        cursor.execute(READ_BARE, [tenant])
        return cursor.fetchone()


def _timed_us(call: Callable[[UUID], Any], owners: list[UUID], calls: int) -> float:
    taken = []
    for number in range(calls):
        owner = owners[number % len(owners)]
        begin = time.perf_counter_ns()
        row = call(owner)
        taken.append((time.perf_counter_ns() - begin) / 1000)
        if row is None:
            raise AssertionError("a tenant does not see its own row")
    return median(taken)


if __name__ == "__main__":
    answer(measure)
