"""Django's own migrate, run in one schema through the owner's connection of its database."""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.commands.migrate import Command as Migrate
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

CONTROL_OWNER = "owner"


def tenant_labels() -> list[str]:
    """The apps whose tables belong to tenants."""
    return [app.label for app in apps.get_app_configs() if app.name in settings.TENANT_APPS]


def migrate(owner: str, schema: str, verbosity: int = 0) -> None:
    """Bring one schema up to date. Elsewhere than in the control plane's database only the apps of
    tenants' tables are known.
    """
    connection: Any = connections[owner]
    connection.set_schema(schema, include_public=False)
    labels: list[list[str]] = (
        [[]] if owner == CONTROL_OWNER else [[label] for label in tenant_labels()]
    )
    try:
        for label in labels:
            # Django's own command: django-tenants' would walk every schema, one process start
            # each, and creates nothing in a second database.
            call_command(
                Migrate(),
                *label,
                database=owner,
                verbosity=verbosity,
                interactive=False,
                skip_checks=True,
            )
    finally:
        connection.set_schema_to_public()


def behind(owner: str, schemas: Iterable[str]) -> list[str]:
    """Those schemas in which a migration of a tenant-owned app was not applied yet."""
    executor = MigrationExecutor(connections[owner])
    labels = set(tenant_labels())
    wanted = {key for key in executor.loader.graph.nodes if key[0] in labels}
    found = []
    with connections[owner].cursor() as cursor:
        for schema in schemas:
            cursor.execute(f'SELECT app, name FROM "{schema}".django_migrations')
            if wanted - set(cursor.fetchall()):
                found.append(schema)
    return found
