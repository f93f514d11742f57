"""Giving a database and taking it back: what the move engine and the commands call."""

import secrets
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from apps.isolation.backend import pools
from apps.isolation.databases import aliases, records, setting_up
from apps.isolation.databases.drivers import driver as driver_of
from apps.isolation.databases.errors import DatabaseFailed, DatabaseInUse
from apps.isolation.models import Database, Location, Placement
from tenlyr.core import clock

log = structlog.get_logger(__name__)


def new_alias() -> str:
    """A name nobody has; random, because it is part of names on servers that others share."""
    return f"db_{secrets.token_hex(6)}"


def provide(alias: str, driver: str = "", about: dict[str, Any] | None = None) -> Database:
    """The database, made and set up; finishes what an earlier try began.

    `about` is told to a hook. Outside of a transaction: it takes from parts of a second to minutes.
    Raises `DatabaseFailed`, and then the row is `failed` with the same sentence.
    """
    name = driver or settings.DATABASE_DRIVER
    driver_of(name)  # an unknown one leaves no row
    wanted = {"driver": name, "detail": {"about": about or {}}}
    database, _ = Database.objects.get_or_create(alias=alias, defaults=wanted)
    if database.state == Database.State.READY:
        return database
    if database.state == Database.State.RETIRED:
        raise DatabaseFailed(f"The database {alias} is retired: take another name.")
    records.state(database, Database.State.WANTED)
    try:
        _provide(database)
    except DatabaseFailed as error:
        records.state(database, Database.State.FAILED, str(error))
        log.warning("isolation.database_failed", database=alias, reason=str(error))
        raise
    log.info("isolation.database_ready", database=alias, provided=database.provided)
    return database


def retire(alias: str) -> None:
    """Take the database back with all that is in it; finishes what an earlier try began.

    Raises `DatabaseInUse` while a tenant lives there, `DatabaseFailed` where the driver could not:
    the row is `retired` then, with the reason, and keeps its address until it is really gone.
    """
    database = _retired(alias)
    if database is None:
        return
    for name in (alias, aliases.fleet_alias(alias)):
        pools.end(name)
    try:
        driver_of(database.driver).destroy(database)
    except DatabaseFailed as error:
        records.state(database, Database.State.RETIRED, str(error))
        raise
    with transaction.atomic():
        Location.objects.filter(alias=alias).delete()
        database.dsn, database.error = None, ""
        database.save(update_fields=["dsn", "error"])
        records.note(database, gone=True)
        records.record("isolation.database_dropped", database)
    log.info("isolation.database_retired", database=alias)


def retire_left() -> int:
    """Take back the databases whose tenants were purged, and those whose taking back failed;
    answers how many went.

    Those that were not tried for longest come first: a run may end anywhere, and servers that are
    away must not stand before all others.
    """
    retired = Database.objects.filter(state=Database.State.RETIRED)
    left = {row.alias for row in retired if "gone" not in row.detail}
    emptied = Location.objects.exclude(alias=aliases.CONTROL).values_list("alias")
    held = emptied.exclude(state=Location.State.RETIRED)
    left |= {alias for (alias,) in emptied.exclude(alias__in=held)}
    tried = {row.alias: row.detail.get("tried", "") for row in Database.objects.filter(pk__in=left)}
    return sum(_tried(alias) for alias in sorted(left, key=lambda one: (tried.get(one, ""), one)))


def _tried(alias: str) -> int:
    for row in Database.objects.filter(pk=alias):
        records.note(row, tried=clock.iso(clock.now()))
    try:
        retire(alias)
    except (DatabaseFailed, DatabaseInUse) as error:
        log.warning("isolation.database_not_retired", database=alias, reason=str(error))
        return 0
    return 1


def _provide(database: Database) -> None:
    driver = driver_of(database.driver)
    driver.create(database)
    aliases.suspect(database.alias)  # this process may know an older address
    setting_up.set_up(database)
    records.note(database, release=setting_up.current_release())
    database.provided = driver.describe(database)[:200]
    database.save(update_fields=["provided"])
    records.state(database, Database.State.READY)


def _retired(alias: str) -> Database | None:
    """The row, closed to new tenants; None when there is nothing (more) to do."""
    with transaction.atomic():
        database = Database.objects.select_for_update().filter(pk=alias).first()
        if database is None:
            return None
        if Placement.objects.filter(location__alias=alias).exists():
            raise DatabaseInUse(f"A tenant lives in the database {alias}.")
        if database.detail.get("gone"):
            return None
        Location.objects.filter(alias=alias).update(state=Location.State.RETIRED)
        is_first = database.state != Database.State.RETIRED
        records.state(database, Database.State.RETIRED)
        if is_first:
            records.record("isolation.database_retired", database)
    return database
