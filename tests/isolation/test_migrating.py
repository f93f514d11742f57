"""Migrations: the control plane in `public`, tenant-owned tables in every Location."""

import io
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from apps.isolation import models
from apps.isolation.public import locations, migrate_everything
from tests.isolation import probe

TENANT_LABELS = {app.label for app in apps.get_app_configs() if app.name in settings.TENANT_APPS}


def tables(schema: str) -> set[str]:
    """The tables of a schema, partitions apart."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition",
            [schema],
        )
        return {name for (name,) in cursor.fetchall()}


def own_tables(labels: set[str]) -> set[str]:
    """The tables of the models of some apps."""
    return {
        model._meta.db_table
        for label in labels
        for model in apps.get_app_config(label).get_models()
    }


def test_control_plane_and_tenant_tables_never_mix() -> None:
    tenant_tables = own_tables(TENANT_LABELS)
    assert tenant_tables
    assert not tenant_tables & tables("public")
    for location in locations():
        assert tables(location.schema) == tenant_tables | {"django_migrations"}


def test_every_model_of_the_control_plane_has_its_table() -> None:
    others = {app.label for app in apps.get_app_configs()} - TENANT_LABELS
    assert own_tables(others) <= tables("public")


def test_again_there_is_nothing_to_do() -> None:
    assert migrate_everything() == 0


def test_models_and_migrations_say_the_same() -> None:
    said = io.StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=said)
    assert "No changes detected" in said.getvalue()


@pytest.fixture
def behind() -> str:
    """A warm schema that an older release built: the last migration is missing from it."""
    schema = f"t_{uuid4().hex}"
    with probe.superuser() as cursor:
        cursor.execute("SET ROLE tenlyr_owner")
        cursor.execute(f"CREATE SCHEMA {schema}")
        cursor.execute(f"GRANT USAGE ON SCHEMA {schema} TO tenlyr_app, tenlyr_fleet")
        cursor.execute(
            f"CREATE TABLE {schema}.django_migrations (LIKE"
            f" {settings.SHARED_SCHEMA}.django_migrations INCLUDING ALL)"
        )
        cursor.connection.commit()
    models.Location.objects.bulk_create([models.Location(schema_name=schema, state="warm")])
    return schema


def test_a_schema_that_lags_behind_is_brought_up_to_date(behind: str) -> None:
    assert tables(behind) == {"django_migrations"}
    assert migrate_everything() == 1
    assert tables(behind) == tables(settings.SHARED_SCHEMA)
    assert migrate_everything() == 0
    with probe.superuser() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = %s::regnamespace"
            " AND c.relkind IN ('r', 'p') AND c.relname <> 'django_migrations'"
            " AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
            [behind],
        )
        assert cursor.fetchall() == []


def test_migrating_leaves_no_setting_on_the_connection() -> None:
    migrate_everything()
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        assert cursor.fetchone() == ("public",)
