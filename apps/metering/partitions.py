"""Months as partitions: made ahead of time, dropped when retention is over (own manager, no
extension). Those that are behind are made when an event needs one (`months`).
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import structlog
from django.conf import settings

from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.metering import outages, periods
from apps.metering.periods import Period
from tenlyr.core import clock

log = structlog.get_logger(__name__)

PARENTS = ("usage_event", "usage_minute")
# One at a time makes a month: a second one of the same would fail at its name.
LOCK = 7_362_002
# Hours are read for two days, and kept as long as a late event may still change them.
HOURS_KEPT = timedelta(days=62)

HAVE = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relispartition AND c.relkind = 'r'
  AND c.relname ~ '^usage_(event|minute)_[0-9]{6}$' AND n.nspname = ANY (%s)
"""


def _months(now: datetime) -> list[Period]:
    """This month and the next; one that is over has few events to come, if any."""
    this = periods.of(now)
    return [this, periods.of(this.end)]


def wanted() -> set[tuple[str, Period]]:
    """The months that a row stored now may be in, each with its parent."""
    return {(parent, month) for parent in PARENTS for month in _months(clock.now())}


def _databases() -> list[tuple[str, dict[str, Location]]]:
    """The Locations by database and schema, without those that must be left alone for now."""
    found: dict[str, dict[str, Location]] = defaultdict(dict)
    for place in isolation.locations():
        found[place.fleet_alias][place.schema] = place
    return [(alias, places) for alias, places in found.items() if not outages.is_away(alias)]


def _have(alias: str, schemas: Iterable[str]) -> set[tuple[str, str]]:
    with isolation.database_fleet(alias) as connection, connection.cursor() as cursor:
        cursor.execute(HAVE, [list(schemas)])
        return set(cursor.fetchall())


def ensure_partitions(within_s: float | None = None) -> int:
    """Make this month and the next wherever they are missing, one transaction each; answers how
    many were made. With `within_s` it begins none after so many seconds.
    """
    end = time.monotonic() + (float("inf") if within_s is None else within_s)
    made = 0
    for alias, places in _databases():
        with outages.noted(alias):
            for place, parent, month in _missing(alias, places):
                if time.monotonic() > end:
                    return made
                made += make(place, parent, month)
    return made


def _missing(alias: str, places: dict[str, Location]) -> list[tuple[Location, str, Period]]:
    have = _have(alias, places)
    return [
        (place, parent, month)
        for place in places.values()
        for parent in PARENTS
        for month in _months(clock.now())
        if (place.schema, f"{parent}_{month.name}") not in have
    ]


def make(place: Location, parent: str, month: Period) -> bool:
    """Make one month; answers whether it was not there."""
    return _call("metering_make_partition", place, parent, month)


def of_location(place: Location) -> set[tuple[str, Period]]:
    """The months that are there, each with its parent."""
    return {_parsed(name) for _, name in _have(place.fleet_alias, [place.schema])}


def drop_expired() -> int:
    """Drop months past their retention and old hours and days; answers how many months went."""
    dropped = 0
    for alias, places in _databases():
        with outages.noted(alias):
            for schema, name in sorted(_have(alias, places)):
                parent, month = _parsed(name)
                if month.start < kept_since(parent).start:
                    _call("metering_drop_partition", places[schema], parent, month)
                    dropped += 1
            for place in places.values():
                _forget_rollups(place)
    log.info("metering.expired", months=dropped)
    return dropped


def _parsed(name: str) -> tuple[str, Period]:
    parent, _, digits = name.rpartition("_")
    return parent, periods.of_month(int(digits[:4]), int(digits[4:]))


def kept_since(parent: str) -> Period:
    """The first month that is kept."""
    months = {
        "usage_event": settings.USAGE_RETENTION_MONTHS,
        "usage_minute": settings.MINUTE_RETENTION_MONTHS,
    }[parent]
    *_, first = periods.latest(clock.now(), months + 1)
    return first


def _call(function: str, place: Location, parent: str, month: Period) -> bool:
    with isolation.database_fleet(place.fleet_alias) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(
            f"SELECT public.{function}(%s, %s, %s)", [place.schema, parent, month.start.date()]
        )
        return cursor.fetchone()[0] is True


def _forget_rollups(place: Location) -> None:
    """Hours after two months, days with the events; months stay for ever."""
    with (
        isolation.database_fleet(place.fleet_alias),
        isolation.fleet(place, read_only=False) as scope,
        scope.cursor() as cursor,
    ):
        for grain, before in _rollups_kept():
            cursor.execute(
                "DELETE FROM usage_rollup WHERE grain = %s AND start < %s", [grain, before]
            )


def _rollups_kept() -> Iterator[tuple[str, datetime]]:
    yield "hour", clock.now() - HOURS_KEPT
    yield "day", kept_since("usage_event").start
