"""A second database on the tests' own server, with a tenant's schema in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from django.conf import settings
from psycopg import sql

from apps.isolation import models, placements
from apps.isolation.backend import pools
from apps.isolation.databases import addresses, aliases
from apps.isolation.levels import Level
from apps.isolation.operations import CONTEXT, FENCE
from apps.isolation.placements import Location
from tests import servers
from tests.cast import Customer
from tests.core import outages

METERING = Path(__file__).parents[2] / "apps" / "metering"
TABLES = (METERING / "store" / "sql" / "tables.sql").read_text()
PARTS = [(METERING / "sql" / name).read_text() for name in ("database.sql", "elsewhere.sql")]


def _control() -> addresses.Address:
    return addresses.parse(servers.current().env["DATABASE_URL"])


def _deploy(name: str) -> Any:
    return psycopg.connect(_control().named(name).dsn, autocommit=True)


def make() -> str:
    """A new database with what metering needs in it; its alias."""
    alias = f"db_{uuid4().hex[:12]}"
    with _deploy(_control().name) as deploy:
        deploy.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(alias)))
    with _deploy(alias) as deploy:
        roles = f"{settings.ROLE_APP}, {settings.ROLE_FLEET}"
        deploy.execute(f"GRANT CONNECT, CREATE ON DATABASE {alias} TO {settings.ROLE_OWNER}")
        deploy.execute(f"GRANT ALL ON SCHEMA public TO {settings.ROLE_OWNER}")
        deploy.execute(f"GRANT CONNECT ON DATABASE {alias} TO {roles}")
        for role in (settings.ROLE_APP, settings.ROLE_FLEET):
            deploy.execute(f"ALTER ROLE {role} IN DATABASE {alias} SET lock_timeout = '2s'")
        deploy.execute(f"SET ROLE {settings.ROLE_OWNER}")
        for part in (*PARTS, *PARTS):  # twice: each statement may be repeated
            deploy.execute(part)
    models.Database.objects.create(
        alias=alias,
        driver=models.Driver.DATABASE,
        dsn=addresses.seal(_control().named(alias), aliases.DSN_PLACE),
        state=models.Database.State.READY,
    )
    return alias


def location(alias: str) -> Location:
    """A Location in the database: a schema with empty usage tables, fenced, without partitions."""
    schema = f"t_{uuid4().hex}"
    with _deploy(alias) as deploy:
        deploy.execute(f"SET ROLE {settings.ROLE_OWNER}")
        deploy.execute(f"CREATE SCHEMA {schema}")
        deploy.execute(
            f"GRANT USAGE ON SCHEMA {schema} TO {settings.ROLE_APP}, {settings.ROLE_FLEET}"
        )
        deploy.execute(f"SET search_path = {schema}")
        deploy.execute(TABLES)
        for table in ("usage_event", "usage_minute", "usage_rollup"):
            deploy.execute(
                FENCE.format(
                    table=table,
                    context=CONTEXT,
                    app=settings.ROLE_APP,
                    fleet=settings.ROLE_FLEET,
                    app_may="SELECT",
                    fleet_may="SELECT, INSERT, UPDATE, DELETE",
                )
            )
    row = models.Location(alias=alias, schema_name=schema, state=models.Location.State.CLAIMED)
    return placements.location_of(models.Location.objects.bulk_create([row])[0])


def place(tenant: Customer, place: Location) -> None:
    """Let the tenant live there from now on; nothing is copied."""
    models.Placement.objects.filter(pk=tenant.id).update(
        location_id=place.id, level=Level.DEDICATED_DATABASE
    )
    placements.forget(tenant.id)


@contextmanager
def away(alias: str) -> Iterator[None]:
    """Every connection to the database is refused."""
    held = aliases._known[alias]
    dead = replace(held[0], port=outages.dead_port())
    _forget(alias)
    aliases._known[alias] = (dead, dead)
    try:
        yield
    finally:
        aliases._known[alias] = held
        _forget(alias)


def _forget(alias: str) -> None:
    for name in (alias, aliases.fleet_alias(alias), aliases.owner_alias(alias)):
        aliases.let_go(name)


def drop(alias: str) -> None:
    """The end of the database, and of its Locations for all who look for them."""
    for name in (alias, aliases.fleet_alias(alias)):
        aliases.let_go(name)
        pools.end(name)
    models.Location.objects.filter(alias=alias).update(state=models.Location.State.RETIRED)
    models.Database.objects.filter(pk=alias).update(state=models.Database.State.RETIRED)
    with _deploy(_control().name) as deploy:
        deploy.execute(f"DROP DATABASE {alias} WITH (FORCE)")
