"""G11: a whole move of a tenant that is written to, and a raw COPY of the same rows."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.probes.inside import answer

# isort: split
from django.db import connections, transaction

from apps.isolation.public import Level, Move, run_move, start_move
from apps.metering.public import ensure_partitions
from apps.tenants.models import Tenant
from benchmarks.probes import population
from benchmarks.stats import percentile

WRITES_S = 200
COLUMNS = (
    "tenant_id, id, ts, value, delta, latency_ms, status_code, success, billable, metric, mode,"
    " endpoint"
)
SEED = f"""
INSERT INTO tenlyr_shared.usage_event ({COLUMNS})
SELECT %s, gen_random_uuid(), now() - i * interval '1 millisecond', 1, 1, 12.5, 200, true, true,
       'api_call', NULL, '/orders' FROM generate_series(1, %s) AS i
"""
# The usage table's twin but for row-level security, which would forbid COPY.
TWIN = """
DROP SCHEMA IF EXISTS bench_moves CASCADE;
CREATE SCHEMA bench_moves;
CREATE TABLE bench_moves.usage_event (LIKE tenlyr_shared.usage_event INCLUDING ALL)
    PARTITION BY RANGE (ts);
DO $$ DECLARE p record; BEGIN
    FOR p IN SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound
             FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = 'tenlyr_shared.usage_event'::regclass LOOP
        EXECUTE format('CREATE TABLE bench_moves.%I PARTITION OF bench_moves.usage_event %s',
                       p.relname, p.bound);
    END LOOP;
END $$;
"""


def measure(rows: int, level: str) -> dict[str, Any]:
    """Raw copies before and after, the move between them."""
    ensure_partitions()
    ((tenant, _),) = population.shared(1)
    with psycopg.connect(os.environ["BENCH_SUPERUSER_URL"], autocommit=True) as connection:
        connection.execute(SEED, [tenant, rows])
        connection.execute("ANALYZE tenlyr_shared.usage_event")
        connection.execute("CHECKPOINT")
        raw = [_raw(connection, tenant)]
        with _writers(tenant) as waits:
            begin = time.perf_counter()
            move = _move(tenant, Level(level))
            taken = time.perf_counter() - begin
        connection.execute("CHECKPOINT")
        raw.append(_raw(connection, tenant))
    return {
        "rate": move.rows_done / taken,
        "raw_rate": sum(raw) / len(raw),
        "fence_ms": move.detail["fenceMs"],
        "fences": move.detail["fences"],
        "stall_p99_ms": percentile(waits, 99),
        "stall_max_ms": max(waits),
        "writes": len(waits),
        "steps_ms": move.detail["timesMs"],
    }


def _raw(connection: Any, tenant: UUID) -> float:
    """Rows a second, piped from the shared table into its twin."""
    connection.execute(TWIN)
    query = f"SELECT {COLUMNS} FROM tenlyr_shared.usage_event WHERE tenant_id = '{tenant}'"
    copied, begin = 0, time.perf_counter()
    with (
        psycopg.connect(os.environ["BENCH_SUPERUSER_URL"]) as reading,
        reading.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT binary)") as rows,
        connection.cursor().copy(
            f"COPY bench_moves.usage_event ({COLUMNS}) FROM STDIN (FORMAT binary)"
        ) as sink,
    ):
        for row in rows:
            sink.write(row)
            copied += 1
    return copied / (time.perf_counter() - begin)


@contextmanager
def _writers(tenant: UUID) -> Iterator[list[float]]:
    """Somebody stores events of the tenant; the list is filled when he has stopped."""
    params = json.dumps({"tenant": str(tenant), "per_s": WRITES_S})
    waits: list[float] = []
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.probes.storing_on", params],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        time.sleep(2)
        yield waits
        told, _ = writer.communicate()
        # The first ones pay for connections.
        waits += json.loads(told)["waits_ms"][20:]


def _move(tenant: UUID, level: Level) -> Move:
    with transaction.atomic():
        workspace_id = Tenant.objects.get(pk=tenant).workspace_id
        move = start_move(workspace_id=workspace_id, tenant_id=tenant, target=level)
    move = run_move(move.id)
    connections.close_all()
    if move.status != Move.Status.COMPLETED:
        raise AssertionError(f"the move ended as {move.status}: {move.error}")
    return move


if __name__ == "__main__":
    answer(measure)
