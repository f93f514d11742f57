"""Months that rows lack: made when the store was refused for want of them.

A new schema has no partitions, and of those in the past each has only what its events needed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from uuid import UUID

from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.metering import outages, partitions, periods, rows
from apps.metering.periods import Period
from apps.metering.stream import Entry
from tenlyr.core import clock


def make_for(entries: Iterable[Entry]) -> int:
    """Make the months that these events lie in, where their tenants' rows are; answers how many.

    In a database that is away none are made: its events wait for it as they are.
    """
    made = 0
    for place, months in _needed(entries).items():
        if not outages.is_away(place.fleet_alias):
            with outages.noted(place.fleet_alias):
                made += sum(
                    partitions.make(place, parent, month)
                    for parent in partitions.PARENTS
                    for month in sorted(months, key=lambda month: month.start)
                )
    return made


def _needed(entries: Iterable[Entry]) -> dict[Location, set[Period]]:
    months: dict[UUID, set[Period]] = defaultdict(set)
    for entry in entries:
        if not entry.damage:
            months[entry.tenant_id] |= set(_months_of(entry))
    placed = isolation.group(months)
    return {
        place: set().union(*(months[tenant_id] for tenant_id in tenant_ids))
        for place, tenant_ids in placed.items()
    }


def _months_of(entry: Entry) -> Iterator[Period]:
    """Only those that may be kept: a row of another time is itself at fault."""
    oldest = partitions.kept_since("usage_event").start
    try:
        moments = [rows.decode(row)[1].ts_ms for row in rows.split(entry.rows)]
    except ValueError:
        return  # an entry that cannot be read becomes a dead letter of the store's
    for ts_ms in moments:
        if oldest.timestamp() * 1000 <= ts_ms <= clock.epoch_ms() + periods.DAY_MS:
            yield periods.at(ts_ms)
