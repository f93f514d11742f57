"""Locations, Placements, and the two functions that build and drop a tenant's schema."""

from pathlib import Path

import django.db.models.deletion
import django_tenants.postgresql_backend.base
from django.db import migrations, models
from django.db.models.functions import Now

SCHEMAS = (Path(__file__).parent.parent / "sql" / "schemas.sql").read_text()


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Location",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "schema_name",
                    models.CharField(
                        db_index=True,
                        max_length=63,
                        unique=True,
                        validators=[django_tenants.postgresql_backend.base._check_schema_name],
                    ),
                ),
                ("alias", models.CharField(default="default", max_length=63)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("shared", "Shared"),
                            ("warm", "Warm"),
                            ("claimed", "Claimed"),
                            ("retired", "Retired"),
                        ],
                        max_length=16,
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=Now())),
            ],
            options={
                "indexes": [models.Index(fields=["state", "id"], name="isolation_location_state")]
            },
        ),
        migrations.CreateModel(
            name="Placement",
            fields=[
                ("tenant_id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "level",
                    models.CharField(
                        choices=[
                            ("shared_schema", "shared_schema"),
                            ("dedicated_schema", "dedicated_schema"),
                            ("dedicated_database", "dedicated_database"),
                        ],
                        max_length=24,
                    ),
                ),
                ("epoch", models.BigIntegerField(default=1)),
                ("created_at", models.DateTimeField(db_default=Now())),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="placements",
                        to="isolation.location",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(SCHEMAS, migrations.RunSQL.noop),
        migrations.RunSQL(
            "GRANT SELECT ON isolation_location, isolation_placement TO tenlyr_fleet",
            migrations.RunSQL.noop,
        ),
    ]
