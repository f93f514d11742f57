"""A look at the whole fleet's minutes: every database once, those that are away named."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, connections

from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.metering import public as metering
from apps.metering.public import Packed, Recent

MINUTE = timedelta(minutes=1)
READERS = 8
Places = dict[Location, list[UUID]]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time that begins with a whole minute, because that is what is counted."""

    since: datetime
    until: datetime

    @property
    def minutes(self) -> float:
        """How long it is."""
        return (self.until - self.since) / MINUTE


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen in each database; those that are away, and who lives there."""

    window: Window
    found: dict[str, Recent]
    away: dict[str, list[UUID]]

    @property
    def packed(self) -> Packed:
        """All tenants of all databases."""
        return metering.joined(one.packed for one in self.found.values())

    @property
    def unseen(self) -> list[UUID]:
        """Of whom nothing can be known."""
        return [tenant for living in self.away.values() for tenant in living]


def present() -> datetime:
    """Now, by the control plane's clock: the one clock of all workers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment.astimezone(UTC)


def last_minutes(now: datetime) -> Window:
    """The window that ends now: never shorter than the setting, at most a minute longer."""
    begin = now - timedelta(seconds=settings.HEALTH_WINDOW_S)
    return Window(begin.replace(second=0, microsecond=0), now)


def look(window: Window, *, only: str | None = None) -> Sight:
    """Read the window's minutes of every database, or of `only` one. No transaction of ours stays
    open meanwhile.
    """
    homes = isolation.dedicated()
    read = partial(
        metering.recent,
        since=window.since,
        until=window.until,
        but=[tenant for living in homes.values() for tenant in living],
    )
    databases = [one for one in _databases(homes) if only in (None, one[0])]
    found: dict[str, Recent] = {}
    away: dict[str, list[UUID]] = {}
    for (alias, places), seen in zip(databases, _read_all(read, databases), strict=True):
        if seen is None:
            away[alias] = [tenant for living in places.values() for tenant in living]
        else:
            found[alias] = seen
    return Sight(window, found, away)


def _read_all(
    read: Callable[[str, Places], Recent | None], databases: Sequence[tuple[str, Places]]
) -> Iterator[Recent | None]:
    """The control plane's database by ourselves, those of tenants some at a time: one that froze
    costs seconds.
    """
    here, elsewhere = databases[:1], databases[1:]
    for alias, places in here:
        yield read(alias, places)
    if elsewhere:
        with ThreadPoolExecutor(READERS, thread_name_prefix="health") as pool:
            yield from pool.map(partial(_closing, read), elsewhere)


def _closing(
    read: Callable[[str, Places], Recent | None], database: tuple[str, Places]
) -> Recent | None:
    """In a thread of the pool, which leaves no connection behind: not even that to the control
    plane, where an address is looked up.
    """
    try:
        return read(*database)
    finally:
        connections.close_all()


def aliases() -> list[str]:
    """Every database in which tenants live."""
    return [alias for alias, _ in _databases(isolation.dedicated())]


def named(packed: Packed) -> dict[str, Any]:
    """The columns as a statement's parameters."""
    return dict(zip((one.name for one in fields(packed)), astuple(packed), strict=True))


def _databases(homes: Places) -> Iterator[tuple[str, Places]]:
    by_alias: dict[str, Places] = defaultdict(dict)
    shared = isolation.shared()
    by_alias[shared.fleet_alias][shared] = []
    for place, living in homes.items():
        by_alias[place.fleet_alias][place] = living
    yield from by_alias.items()
