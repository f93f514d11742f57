"""Migrations: the control plane in `public`, tenant-owned tables in every Location's schema."""

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.commands.migrate import Command as Migrate
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from apps.isolation.models import Location

OWNER_ALIAS = "owner"


def migrate_everything(verbosity: int = 0) -> int:
    """Bring all schemas up to date; answers how many tenant schemas had something to do."""
    _migrate("public", verbosity)
    _migrate(settings.SHARED_SCHEMA, verbosity)
    if not Location.objects.using(OWNER_ALIAS).filter(state=Location.State.SHARED).exists():
        shared = Location(schema_name=settings.SHARED_SCHEMA, state=Location.State.SHARED)
        Location.objects.using(OWNER_ALIAS).bulk_create([shared])
    behind = _behind(row.schema_name for row in _dedicated())
    for schema in behind:
        _migrate(schema, verbosity)
    return len(behind)


def _dedicated() -> Any:
    rows = Location.objects.using(OWNER_ALIAS).filter(alias="default")
    return rows.exclude(state__in=[Location.State.SHARED, Location.State.RETIRED])


def _migrate(schema: str, verbosity: int) -> None:
    connection: Any = connections[OWNER_ALIAS]
    connection.set_schema(schema, include_public=False)
    try:
        # Django's own command: django-tenants' would walk every schema, one process start each.
        call_command(
            Migrate(),
            database=OWNER_ALIAS,
            verbosity=verbosity,
            interactive=False,
            skip_checks=True,
        )
    finally:
        connection.set_schema_to_public()


def _behind(schemas: Iterable[str]) -> list[str]:
    """Those schemas in which a migration of a tenant-owned app was not applied yet."""
    executor = MigrationExecutor(connections[OWNER_ALIAS])
    labels = {app.label for app in apps.get_app_configs() if app.name in settings.TENANT_APPS}
    wanted = {key for key in executor.loader.graph.nodes if key[0] in labels}
    found = []
    with connections[OWNER_ALIAS].cursor() as cursor:
        for schema in schemas:
            cursor.execute(f'SELECT app, name FROM "{schema}".django_migrations')
            if wanted - set(cursor.fetchall()):
                found.append(schema)
    return found
