"""The rows of the driver `instance`, as the process that keeps the instances sees them."""

from contextlib import suppress
from dataclasses import dataclass

from django.db import connections

from apps.isolation.databases import addresses, aliases, records
from apps.isolation.databases.addresses import Address
from apps.isolation.databases.errors import UnknownDatabase
from apps.isolation.models import Database, Driver

FORGET = """
UPDATE isolation_database SET dsn = NULL, detail = detail - 'seen' WHERE alias = %s
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """An instance that shall run, or that shall go with all that is in it."""

    alias: str
    shall_run: bool


def wishes() -> list[Wish]:
    """All there are now. One whose making failed is in neither: it waits for a new try."""
    rows = Database.objects.filter(driver=Driver.INSTANCE).order_by("created_at", "alias")
    found = []
    for row in rows:
        if row.state in {Database.State.WANTED, Database.State.READY}:
            found.append(Wish(row.alias, True))
        elif row.state == Database.State.RETIRED and (row.dsn or "seen" in row.detail):
            found.append(Wish(row.alias, False))
    return found


def seen(alias: str) -> None:
    """The wish was heard, and something of the instance may be on disk from now on."""
    for row in Database.objects.filter(pk=alias).exclude(detail__has_key="seen"):
        records.note(row, seen=True)


def started(alias: str, dsn: str) -> None:
    """It runs, at this address of its deploy role; one that was kept and cannot be read (the log
    names it) is replaced as one that is not there.
    """
    address = addresses.parse(dsn)
    for row in Database.objects.filter(pk=alias).exclude(state=Database.State.RETIRED):
        if _known(row) != address:
            row.dsn = addresses.seal(address, aliases.DSN_PLACE)
            row.save(update_fields=["dsn"])


def _known(row: Database) -> Address | None:
    with suppress(UnknownDatabase):
        return aliases.address_of(row)
    return None


def failed(alias: str, reason: str) -> bool:
    """It could not be made, in one sentence; answers whether nobody relies on it yet."""
    rows = Database.objects.filter(pk=alias, state=Database.State.WANTED)
    return bool(rows.update(state=Database.State.FAILED, error=reason))


def hang_up() -> None:
    """Close what this thread has open, at the end of its work."""
    connections.close_all()


def gone(alias: str) -> None:
    """Nothing of it is left."""
    with connections["default"].cursor() as cursor:
        cursor.execute(FORGET, [alias])
