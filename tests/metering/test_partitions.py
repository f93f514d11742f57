"""Months as partitions: there before they are needed, gone when retention is over."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.db import connections
from django.db.utils import ProgrammingError

from apps.isolation.public import Location, control_fleet, fleet, locations, owner_alias
from apps.metering import partitions
from tests.cast import Customer


def months(location: Location) -> set[str]:
    """The partitions of a Location."""
    with connections[owner_alias(location.alias)].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = %s AND c.relispartition AND c.relkind = 'r'",
            [location.schema],
        )
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        (datetime(2026, 11, 1, tzinfo=UTC), ("202611", "202612")),
        (datetime(2026, 11, 30, 23, 59, tzinfo=UTC), ("202611", "202612")),
        (datetime(2027, 1, 30, tzinfo=UTC), ("202701", "202702")),
    ],
)
def test_every_location_has_this_month_and_the_next(
    globex: Customer, day: datetime, wanted: tuple[str, ...]
) -> None:
    with time_machine.travel(day, tick=False):
        partitions.ensure_partitions()
    names = {f"{parent}_{month}" for parent in partitions.PARENTS for month in wanted}
    assert len(locations()) >= 2
    assert [location for location in locations() if not names <= months(location)] == []


def test_with_little_time_only_some_are_made(globex: Customer) -> None:
    day = datetime(2027, 6, 1, tzinfo=UTC)
    with time_machine.travel(day, tick=False):
        assert partitions.ensure_partitions(within_s=-1) == 0
        assert partitions.ensure_partitions() > 0
        assert partitions.ensure_partitions(within_s=-1) == 0


def test_a_second_time_there_is_nothing_to_do(globex: Customer) -> None:
    partitions.ensure_partitions()
    assert partitions.ensure_partitions() == 0


def test_a_partition_is_fenced_like_its_parent(globex: Customer) -> None:
    partitions.ensure_partitions()
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r'"
            " AND relname LIKE 'usage_%%' AND NOT (relrowsecurity AND relforcerowsecurity)"
        )
        assert cursor.fetchone() == (0,)


def test_old_months_go_and_younger_stay() -> None:
    partitions.ensure_partitions()
    # What the tests above made for days of their own may be long over by now.
    partitions.drop_expired()
    (shared, *_) = locations()
    now = months(shared)
    for old in ("2024-01-01", "2024-02-01"):
        for parent in ("usage_event", "usage_minute"):
            with control_fleet() as connection, connection.cursor() as cursor:
                cursor.execute(
                    "SELECT public.metering_make_partition(%s, %s, %s)",
                    [shared.schema, parent, old],
                )
    assert len(months(shared)) == len(now) + 4
    assert partitions.drop_expired() >= 4
    assert months(shared) == now


@pytest.mark.parametrize(
    ("schema", "parent", "month"),
    [
        ("tenlyr_shared", "usage_rollup", "2024-01-01"),
        ("tenlyr_shared", "usage_event", "2024-01-02"),
        ("public", "usage_event", "2024-01-01"),
        ("nowhere; drop table", "usage_event", "2024-01-01"),
    ],
)
def test_the_function_makes_nothing_else(schema: str, parent: str, month: str) -> None:
    call = "SELECT public.metering_make_partition(%s, %s, %s)"
    with (
        pytest.raises(ProgrammingError, match="not a month of a usage table"),
        control_fleet() as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(call, [schema, parent, month])


def test_no_month_that_may_still_be_written_can_be_dropped() -> None:
    (shared, *_) = locations()
    with (
        pytest.raises(ProgrammingError, match="not a past month"),
        fleet(shared, read_only=False) as scope,
        scope.cursor() as cursor,
    ):
        cursor.execute(
            "SELECT public.metering_drop_partition(%s, 'usage_event',"
            " date_trunc('month', now())::date)",
            [shared.schema],
        )
