"""What the product holds when all is quiet: events, rollups, counters and answers, as rows."""

from collections.abc import Iterator
from typing import Any

import psycopg

from tests.faults.calls import Connection
from tests.faults.ledger import MICRO, Ledger
from tests.faults.target import Target
from tests.faults.workload import Customer

EVENTS = """
COPY (SELECT tenant_id, id, (extract(epoch FROM ts) * 1000)::bigint,
             to_char(ts AT TIME ZONE 'UTC', 'YYYYMM'), metric, (value * 1000000)::bigint,
             (delta * 1000000)::bigint, mode, status_code,
             coalesce(success IS FALSE, false) OR coalesce(status_code >= 500, false),
             billable, endpoint
      FROM {schema}.usage_event WHERE tenant_id = ANY (%s::uuid[])) TO STDOUT
"""
SUMS = """
SELECT tenant_id::text, grain, metric, to_char(start AT TIME ZONE 'UTC', 'YYYYMM'),
       sum(count)::bigint, sum(errors)::bigint, (sum(value) * 1000000)::bigint
FROM (SELECT tenant_id, grain, metric, start, count, errors, value FROM {schema}.usage_rollup
      UNION ALL
      SELECT tenant_id, 'minute', metric, minute, count, errors, value FROM {schema}.usage_minute
     ) AS every
WHERE tenant_id = ANY (%s::uuid[])
GROUP BY 1, 2, 3, 4
"""
SCHEMAS = """
SELECT quote_ident(n.nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = 'usage_event' AND c.relkind = 'p' ORDER BY 1
"""
WIRE_NAMES = {
    "apiCalls": "api_call", "storageGb": "storage_gb", "seats": "seats", "compute": "compute",
}  # fmt: skip
INTEGERS = {2, 5, 6, 8}
BOOLEANS = {9, 10}


def collect(target: Target, ledger: Ledger, customers: list[Customer]) -> None:
    """Lay all that these customers have beside what was sent, for the oracles to join."""
    tenants = [customer.id for customer in customers]
    with psycopg.connect(target.superuser_url, autocommit=True) as db:
        schemas = [str(row[0]) for row in db.execute(SCHEMAS).fetchall()]
        ledger.take_rows(
            "stored",
            "tenant, id, ts_ms, month, metric, micro, delta, mode, status_code, is_error,"
            " billable, mark",
            (row for schema in schemas for row in _events(db, schema, tenants)),
        )
        ledger.take_rows(
            "summed",
            "tenant, grain, metric, month, count, errors, micro",
            (
                row
                for schema in schemas
                for row in db.execute(SUMS.format(schema=schema), [tenants])
            ),
        )
        letters = db.execute("SELECT shard, entry, reason FROM metering_dead_letter").fetchall()
        ledger.take_rows("dead", "shard, entry, reason", letters)
    ledger.take_rows("counter", "tenant, metric, period, micro", _counters(target, tenants))
    ledger.take_rows("shown", "tenant, metric, micro", _shown(target, customers))
    ledger.ask("CREATE INDEX stored_mark ON stored (mark)")
    ledger.ask("CREATE INDEX stored_id ON stored (tenant, id)")


def _events(db: Any, schema: str, tenants: list[str]) -> Iterator[tuple[Any, ...]]:
    with db.cursor() as cursor, cursor.copy(EVENTS.format(schema=schema), [tenants]) as copy:
        for row in copy.rows():
            yield tuple(_read(place, text) for place, text in enumerate(row))


def _read(place: int, text: str | None) -> str | int | None:
    if text is None:
        return None
    if place in BOOLEANS:
        return int(text == "t")
    return int(text) if place in INTEGERS else text


def _counters(target: Target, tenants: list[str]) -> Iterator[tuple[Any, ...]]:
    """Every counter of theirs that Redis has, whatever it counts."""
    for key in target.redis.scan_iter(match="usage:*", count=1_000):
        _, _, tenant, metric, period = key.decode().split(":")
        if tenant not in tenants:
            continue
        scale = 1 if metric == "storage_gb" else MICRO
        yield tenant, metric, period, int(target.redis.get(key) or 0) * scale


def _shown(target: Target, customers: list[Customer]) -> Iterator[tuple[Any, ...]]:
    """What `GET /usage/metrics` answers to each tenant."""
    connection = Connection(target.port)
    for customer in customers:
        reply = connection.get("/api/v1/usage/metrics", key=customer.key)
        if reply.status != 200:
            raise RuntimeError(f"usage/metrics answered {reply}")
        for wire, metric in WIRE_NAMES.items():
            yield customer.id, metric, round(reply.body[wire] * MICRO)
    connection.close()
