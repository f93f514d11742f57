"""A Postgres of its own on this machine. `manage.py instances` starts it and keeps it running: this
end writes the wish into the row, and waits.
"""

import time

import psycopg

from apps.isolation.databases import aliases
from apps.isolation.databases.errors import DatabaseFailed, UnknownDatabase
from apps.isolation.models import Database

SEEN_TIMEOUT_S = 60.0
TIMEOUT_S = 120.0
LOOK_EVERY_S = 0.1


def create(database: Database) -> None:
    started = time.monotonic()
    while not _answers(database):
        waited_s = time.monotonic() - started
        if database.state == Database.State.FAILED:
            raise DatabaseFailed(database.error)
        if "seen" not in database.detail and waited_s > SEEN_TIMEOUT_S:
            raise DatabaseFailed("Nobody starts instances: `manage.py instances` must run.")
        if waited_s > TIMEOUT_S:
            raise DatabaseFailed(f"The instance did not start within {TIMEOUT_S:g} s.")
        time.sleep(LOOK_EVERY_S)
        database.refresh_from_db()


def destroy(database: Database) -> None:
    end = time.monotonic() + TIMEOUT_S
    while database.dsn is not None or database.detail.get("seen"):
        if time.monotonic() > end:
            raise DatabaseFailed("The instance was not removed: `manage.py instances` must run.")
        time.sleep(LOOK_EVERY_S)
        database.refresh_from_db()


def describe(database: Database) -> str:
    return "a Postgres instance of its own, on the machine of the product"


def _answers(database: Database) -> bool:
    """Whether it runs; its address alone may be one of yesterday."""
    if database.dsn is None:
        return False
    try:
        psycopg.connect(aliases.address_of(database).dsn, connect_timeout=2).close()
    except (psycopg.OperationalError, UnknownDatabase):
        return False
    return True
