"""The usage tables as a part, for tests that do not need a consumer: its hold is the shard's lock,
as the store's is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.db import connections

from apps.isolation.moves import links
from apps.isolation.parts import MoveBusy, Table
from apps.isolation.public import Location
from apps.metering import partitions, periods
from tenlyr.core import clock, redis

KEYS = {
    "usage_event": ("tenant_id", "id", "ts"),
    "usage_minute": ("tenant_id", "metric", "minute"),
    "usage_rollup": ("tenant_id", "grain", "metric", "start"),
}


def control_fleet() -> "psycopg.Connection[Any]":
    """A connection of the fleet's role to the control plane."""
    return links.fleet(Location(0, "default", "public"))


class UsagePart:
    """The three tables."""

    name = "usage"

    def tables(self, tenant_id: UUID, source: Location, target: Location) -> list[Table]:
        return [Table(source.schema, name, target.schema, key) for name, key in KEYS.items()]

    def prepare(self, tenant_id: UUID, source: Location, target: Location) -> None:
        for parent, month in partitions.of_location(source) - partitions.of_location(target):
            partitions.make(target, parent, month)

    @contextmanager
    def hold(self, tenant_id: UUID) -> Iterator[None]:
        with control_fleet() as fleet, fleet.transaction():
            fleet.execute("SET LOCAL lock_timeout = '250ms'")
            try:
                fleet.execute(
                    "SELECT FROM public.metering_shard WHERE shard = %s FOR UPDATE",
                    [redis.shard_of(tenant_id)],
                )
            except psycopg.errors.LockNotAvailable:
                raise MoveBusy from None
            yield

    def arrive(self, tenant_id: UUID, source: Location, target: Location, epoch: int) -> None:
        """Nothing: the store reads the placement under the shard's lock."""

    def leave(self, tenant_id: UUID, source: Location, target: Location, epoch: int) -> None:
        """Nothing, for the same reason."""

    def drop(self, tenant_id: UUID, location: Location) -> int:
        removed = 0
        with links.fleet(location) as fleet, fleet.transaction():
            for table in KEYS:
                removed += fleet.execute(
                    f"DELETE FROM {location.schema}.{table} WHERE tenant_id = %s", [tenant_id]
                ).rowcount
        return removed


def rows(location: Location, tenant_id: UUID) -> dict[str, list[str]]:
    """Every row of the tenant at a place, as texts, in order."""
    found = {}
    with links.fleet(location) as fleet:
        for table in KEYS:
            found[table] = [
                row[0]
                for row in fleet.execute(
                    f"SELECT to_jsonb(t)::text FROM {location.schema}.{table} t"
                    " WHERE tenant_id = %s ORDER BY 1",
                    [tenant_id],
                )
            ]
    return found


def seed(location: Location, tenant_id: UUID, count: int) -> None:
    """Events of the last four weeks, with a few rollups. There is room for those that writers add,
    also when a month begins meanwhile.
    """
    for month in {periods.of(clock.now() + timedelta(days)) for days in (-28, 0, 1)}:
        for parent in partitions.PARENTS:
            partitions.make(location, parent, month)
    with links.fleet(location) as fleet:
        fleet.execute(
            f"INSERT INTO {location.schema}.usage_event (tenant_id, id, ts, value, delta,"
            " latency_ms, status_code, success, billable, metric, endpoint)"
            " SELECT %s, gen_random_uuid(), now() - i * interval '27 days' / %s, i, 1, 0.1 * i,"
            " 200, true, true, 'api_call', '/v1/things' FROM generate_series(1, %s) AS i",
            [tenant_id, count, count],
        )
        fleet.execute(
            f"INSERT INTO {location.schema}.usage_rollup SELECT %s, '2026-01-01'::timestamptz"
            " + i * interval '1 hour', 'hour', 'api_call', i, 0, i FROM generate_series(1, 50) i",
            [tenant_id],
        )


def close() -> None:
    """Close this thread's connections."""
    connections.close_all()
