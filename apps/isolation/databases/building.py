"""A tenant's schema in a database of its own: made by Django's own migrations, and looked at."""

import re

from django.apps import apps
from django.conf import settings
from django.db import Error, connections

from apps.isolation import applying
from apps.isolation.databases import aliases, upgrading
from apps.isolation.databases.errors import DatabaseFailed
from apps.isolation.models import Database, Location

SCHEMA = re.compile(r"t_[0-9a-f]{32}")


def build_location(database: Database, schema: str) -> Location:
    """An empty, complete tenant schema in a database that is ready; finishes one half built.

    The Location is claimed: it waits for the one tenant that moves there. Raises `DatabaseFailed`.
    """
    if not SCHEMA.fullmatch(schema):
        raise ValueError(f"not a name of a tenant schema: {schema}")
    upgrading.upgrade_if_behind(database.alias)
    owner = aliases.owner_alias(database.alias)
    try:
        _make_schema(owner, schema)
        applying.migrate(owner, schema)
        missing = wanted_tables() - _tables(owner, schema)
    except Error as error:
        raise DatabaseFailed(
            f"The schema in {database.alias} could not be built: {' '.join(str(error).split())}."
        ) from error
    finally:
        aliases.let_go(owner)
    if missing:
        raise DatabaseFailed(f"The schema in {database.alias} lacks {', '.join(sorted(missing))}.")
    return _recorded(database, schema)


def wanted_tables() -> set[str]:
    """The tables that a complete tenant schema has."""
    labels = applying.tenant_labels()
    models = (model for label in labels for model in apps.get_app_config(label).get_models())
    return {model._meta.db_table for model in models}


def _recorded(database: Database, schema: str) -> Location:
    row = Location.objects.filter(schema_name=schema).first()
    if row is None:
        row = Location(schema_name=schema, alias=database.alias, state=Location.State.CLAIMED)
        Location.objects.bulk_create([row])
    return row


def _make_schema(owner: str, schema: str) -> None:
    with connections[owner].cursor() as cursor:
        cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        cursor.execute(
            f'GRANT USAGE ON SCHEMA "{schema}" TO {settings.ROLE_APP}, {settings.ROLE_FLEET}'
        )


def _tables(owner: str, schema: str) -> set[str]:
    with connections[owner].cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace"
            " AND relkind IN ('r', 'p')",
            [schema],
        )
        return {name for (name,) in cursor.fetchall()}
