"""A tenant-owned table of the tests' own, in every Location: fenced like the product's, writable.

`planted()` makes it and takes it away. `Probe` is its model, outside the product's registry.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.apps import apps
from django.conf import settings
from django.db import connections, models, transaction
from django.test.utils import isolate_apps

from apps.isolation.models import Location
from apps.isolation.operations import CONTEXT, FENCE
from apps.isolation.public import Level, Placement, place, scope
from tenlyr.core import ids
from tests import servers

TABLE = "isolation_probe"
TENANT_APP = next(app.label for app in apps.get_app_configs() if app.name in settings.TENANT_APPS)
COLUMNS = (
    "tenant_id uuid NOT NULL, id uuid NOT NULL, note text NOT NULL, PRIMARY KEY (tenant_id, id)"
)

with isolate_apps(*settings.TENANT_APPS):

    class Probe(models.Model):
        """A row: whose it is, and a note that says so too."""

        id = models.UUIDField(primary_key=True, default=uuid4)
        tenant_id = models.UUIDField()
        note = models.TextField()

        class Meta:
            app_label = TENANT_APP
            managed = False
            db_table = TABLE

        def __str__(self) -> str:
            return self.note


def fence(table: str) -> str:
    """The statements of the `Isolate` operation for one table, writable by the app's role."""
    return FENCE.format(
        table=table,
        context=CONTEXT,
        app=settings.ROLE_APP,
        fleet=settings.ROLE_FLEET,
        app_may="SELECT, INSERT, UPDATE, DELETE",
        fleet_may="SELECT, INSERT, UPDATE, DELETE",
    )


def schemas() -> list[str]:
    """The schema of every Location in the control plane's database."""
    rows = Location.objects.filter(alias="default").exclude(state=Location.State.RETIRED)
    return list(rows.values_list("schema_name", flat=True))


@contextmanager
def planted() -> Iterator[None]:
    """The table, in every Location there is now, until the end of the block."""
    with connections["owner"].cursor() as cursor:
        for schema in schemas():
            cursor.execute(f'CREATE TABLE "{schema}".{TABLE} ({COLUMNS})')
            cursor.execute(fence(f'"{schema}".{TABLE}'))
        try:
            yield
        finally:
            for schema in schemas():
                cursor.execute(f'DROP TABLE IF EXISTS "{schema}".{TABLE}')


def settle(level: Level) -> Placement:
    """A new tenant's placement, committed."""
    with transaction.atomic():
        return place(ids.uuid7(), level)


def write(tenant_id: UUID) -> None:
    """One row of the tenant's."""
    with scope(tenant_id):
        Probe.objects.create(tenant_id=tenant_id, note=f"of {tenant_id}")


@contextmanager
def superuser() -> Iterator["psycopg.Cursor[Any]"]:
    """A cursor that may do anything; what it did is undone at the end."""
    with psycopg.connect(servers.current().postgres.superuser_url) as direct:
        yield direct.cursor()
        direct.rollback()


@contextmanager
def direct(role: str, schema: str = settings.SHARED_SCHEMA) -> Iterator["psycopg.Connection[Any]"]:
    """A plain connection as one of our roles, as a program without Django would have it."""
    alias = {settings.ROLE_APP: "default", settings.ROLE_FLEET: "fleet"}[role]
    given = connections[alias].settings_dict
    with psycopg.connect(
        host=given["HOST"],
        port=given["PORT"],
        dbname=given["NAME"],
        user=given["USER"],
        password=given["PASSWORD"],
        autocommit=True,
    ) as connection:
        connection.execute(f'SET search_path = "{schema}"')
        yield connection


def rows_of(schema: str) -> dict[UUID, set[str]]:
    """What really is in a Location's table: the notes of each tenant, read past every net."""
    with superuser() as cursor:
        cursor.execute(f'SELECT tenant_id, note FROM "{schema}".{TABLE}')
        found: dict[UUID, set[str]] = {}
        for tenant_id, note in cursor.fetchall():
            found.setdefault(tenant_id, set()).add(note)
    return found
