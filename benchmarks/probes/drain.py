"""G6 and its growth: the consumer's drain of a backlog, and raw COPY of the very rows it stored."""

import os
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.probes.inside import answer

# isort: split
from apps.metering import consumer as consuming
from apps.metering import ingest
from apps.metering.events import Event
from benchmarks.cpu import Meter
from benchmarks.probes import population
from benchmarks.stats import median
from tenlyr.core import clock, ids, redis
from tenlyr.core.keys import Kind
from tenlyr.core.principal import Principal

COPY_ROWS = 5_000
# The usage table's twin but for row-level security, which would forbid COPY.
TWIN = """
CREATE SCHEMA IF NOT EXISTS bench;
CREATE TABLE IF NOT EXISTS bench.usage_event (LIKE tenlyr_shared.usage_event INCLUDING ALL)
    PARTITION BY RANGE (ts);
DO $$ DECLARE p record; BEGIN
    FOR p IN SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) AS bound
             FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = 'tenlyr_shared.usage_event'::regclass LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS bench.%I PARTITION OF bench.usage_event %s',
                       p.relname, p.bound);
    END LOOP;
END $$;
"""
# The rows of one drain, numbered in the order in which they came.
CHOSEN = """
DROP TABLE IF EXISTS bench.chosen;
CREATE UNLOGGED TABLE bench.chosen AS
    SELECT *, row_number() OVER (ORDER BY id) AS place FROM tenlyr_shared.usage_event
    WHERE endpoint = '{mark}';
CREATE INDEX ON bench.chosen (place);
"""


def measure(
    tenants: int, rows: int, rounds: int, packs: list[int], pids: dict[str, int]
) -> dict[str, Any]:
    """Medians over rounds, for each number of events in a stream entry (`packs`), in turns."""
    callers = [_principal(tenant) for tenant, _ in population.shared(tenants)]
    with psycopg.connect(os.environ["BENCH_SUPERUSER_URL"], autocommit=True) as connection:
        connection.execute(TWIN)
        samples: dict[int, list[dict[str, float]]] = {pack: [] for pack in packs}
        # The first of each pays for growing files and cold caches.
        for number in range(rounds + 1):
            for pack in packs:
                sample = _round(connection, callers, rows if number else rows // 4, pack, pids)
                if number:
                    samples[pack].append(sample)
    return {
        str(pack): {name: median(one[name] for one in every) for name in every[0]}
        for pack, every in samples.items()
    }


def _principal(tenant: UUID) -> Principal:
    return Principal(
        kind=Kind.TENANT,
        key_id=tenant,
        workspace_id=tenant,
        subject=tenant,
        epoch=0,
        tenant_id=tenant,
    )


def _round(
    connection: Any, callers: list[Principal], rows: int, pack: int, pids: dict[str, int]
) -> dict[str, float]:
    mark = f"/orders/{ids.uuid7().hex[-8:]}"
    _fill(callers, rows, pack, mark)
    drained = _drain(rows, pids)
    copied = _copy(connection, mark, rows, pids)
    return {**drained, **copied}


def _fill(callers: list[Principal], rows: int, pack: int, mark: str) -> None:
    """A backlog, as calls of `pack` events each leave it. How fast it arises is not measured."""
    redis.client().config_set("appendfsync", "everysec")
    for number in range(0, rows, pack):
        events = [_event(mark) for _ in range(min(pack, rows - number))]
        if ingest.admit(callers[number // pack % len(callers)], events) != events:
            raise AssertionError("an event was not admitted")
    redis.client().config_set("appendfsync", "always")


def _event(mark: str) -> Event:
    return Event(
        id=ids.uuid7().bytes,
        has_given_id=True,
        ts_ms=clock.epoch_ms(),
        metric="api_call",
        units=1,
        endpoint=mark,
        status_code=200,
        latency_ms=12.5,
    )


def _drain(rows: int, pids: dict[str, int]) -> dict[str, float]:
    # The empty read that ends a drain would wait for more: no part of the work.
    consuming.BLOCK_MS = 0
    consumer = consuming.Consumer()
    meter, own, begin = Meter(pids), time.process_time(), time.perf_counter()
    stored = consumer.drain()
    taken, own = time.perf_counter() - begin, time.process_time() - own
    spent = meter.spent_s()
    consumer.leases.leave()
    if stored != rows:
        raise AssertionError(f"{rows} events were admitted, {stored} stored")
    return {
        "drain_rate": rows / taken,
        "drain_cpu_us": (own + sum(spent.values())) / rows * 1e6,
        "drain_postgres_us": spent["postgres"] / rows * 1e6,
    }


def _copy(connection: Any, mark: str, rows: int, pids: dict[str, int]) -> dict[str, float]:
    """COPY the rows just stored into the twin, 5,000 at a time, each its own transaction."""
    connection.execute(CHOSEN.format(mark=mark))
    parts = list(_parts(connection, rows))
    meter, own, begin = Meter(pids), time.process_time(), time.perf_counter()
    for part in parts:
        with connection.cursor().copy("COPY bench.usage_event FROM STDIN (FORMAT binary)") as copy:
            copy.write(part)
    taken, own = time.perf_counter() - begin, time.process_time() - own
    spent = meter.spent_s()
    return {
        "copy_rate": rows / taken,
        "copy_cpu_us": (own + sum(spent.values())) / rows * 1e6,
    }


def _parts(connection: Any, rows: int) -> Iterator[bytes]:
    columns = ", ".join(
        name
        for (name,) in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'bench.usage_event'::regclass"
            " AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
    )
    copied = 0
    for first in range(1, rows + 1, COPY_ROWS):
        query = (
            f"COPY (SELECT {columns} FROM bench.chosen"
            f" WHERE place BETWEEN {first} AND {first + COPY_ROWS - 1}) TO STDOUT (FORMAT binary)"
        )
        with connection.cursor().copy(query) as copy:
            yield b"".join(copy)
        copied += COPY_ROWS
    (found,) = connection.execute("SELECT count(*) FROM bench.chosen").fetchone()
    if found != rows:
        raise AssertionError(f"{rows} events were drained, {found} rows are there")


if __name__ == "__main__":
    answer(measure)
