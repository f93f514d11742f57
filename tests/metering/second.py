"""A second database on the tests' own server, with a tenant's schema in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
from django.test import override_settings
from psycopg import sql

from apps.isolation import models, placements
from apps.isolation.backend import pools
from apps.isolation.databases import addresses, aliases, building, providing, setting_up
from apps.isolation.levels import Level
from apps.isolation.placements import Location
from tests import servers
from tests.cast import Customer
from tests.core import outages


def _control() -> addresses.Address:
    return addresses.parse(servers.current().env["DATABASE_URL"])


def _deploy(name: str) -> Any:
    return psycopg.connect(_control().named(name).dsn, autocommit=True)


def make() -> str:
    """A new database, set up as every tenant's own; its alias."""
    alias = providing.new_alias()
    with _deploy(_control().name) as deploy:
        deploy.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(alias)))
    database = models.Database.objects.create(
        alias=alias,
        driver=models.Driver.DATABASE,
        dsn=addresses.seal(_control().named(alias), aliases.DSN_PLACE),
        state=models.Database.State.READY,
    )
    setting_up.set_up(database)
    return alias


def location(alias: str) -> Location:
    """A Location in the database: a tenant's schema, empty and without partitions."""
    database = models.Database.objects.get(pk=alias)
    return placements.location_of(building.build_location(database, f"t_{uuid4().hex}"))


def place(tenant: Customer, place: Location) -> None:
    """Let the tenant live there from now on; nothing is copied."""
    models.Placement.objects.filter(pk=tenant.id).update(
        location_id=place.id, level=Level.DEDICATED_DATABASE
    )
    placements.forget(tenant.id)


@contextmanager
def away(alias: str) -> Iterator[None]:
    """Every connection to the database is refused, those that were open are gone."""
    _move_to(alias, replace(_control(), port=outages.dead_port()))
    try:
        yield
    finally:
        _move_to(alias, _control())


@contextmanager
def without_address(alias: str) -> Iterator[None]:
    """The database has no address: as if a driver had taken it back."""
    _readdress(alias, None)
    try:
        yield
    finally:
        _move_to(alias, _control())


@contextmanager
def sealed_elsewhere(alias: str) -> Iterator[None]:
    """The database's address was sealed with a secret that this installation does not have."""
    with override_settings(SECRET_KEY="another installation's"):
        _move_to(alias, _control())
    try:
        yield
    finally:
        _move_to(alias, _control())


def _move_to(alias: str, server: addresses.Address) -> None:
    _readdress(alias, addresses.seal(server.named(alias), aliases.DSN_PLACE))


def _readdress(alias: str, dsn: bytes | None) -> None:
    models.Database.objects.filter(pk=alias).update(dsn=dsn)
    aliases.suspect(alias)
    _hang_up(alias)


def _hang_up(alias: str) -> None:
    for name in (alias, aliases.fleet_alias(alias)):
        aliases.let_go(name)
        pools.end(name)


def drop(alias: str) -> None:
    """The end of the database, and of its Locations for all who look for them."""
    _hang_up(alias)
    models.Location.objects.filter(alias=alias).update(state=models.Location.State.RETIRED)
    models.Database.objects.filter(pk=alias).update(state=models.Database.State.RETIRED)
    with _deploy(_control().name) as deploy:
        deploy.execute(f"DROP DATABASE {alias} WITH (FORCE)")
