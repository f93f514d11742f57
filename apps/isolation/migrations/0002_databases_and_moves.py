"""Servers and Databases beside the control plane's, and Moves."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import tenlyr.core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("isolation", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Server",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.SlugField(max_length=63, unique=True)),
                (
                    "driver",
                    models.CharField(
                        choices=[("database", "Database"), ("server_pool", "Server Pool")],
                        default="database",
                        max_length=16,
                    ),
                ),
                ("dsn", models.BinaryField()),
                ("pool_url", models.CharField(blank=True, default="", max_length=500)),
                ("max_databases", models.PositiveIntegerField(default=100)),
                ("is_open", models.BooleanField(default=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.AddField(
            model_name="location",
            name="data_schema",
            field=models.CharField(blank=True, default="", max_length=63),
        ),
        migrations.CreateModel(
            name="Move",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenlyr.core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("workspace_id", models.UUIDField()),
                (
                    "from_level",
                    models.CharField(
                        choices=[
                            ("shared_schema", "shared_schema"),
                            ("dedicated_schema", "dedicated_schema"),
                            ("dedicated_database", "dedicated_database"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "to_level",
                    models.CharField(
                        choices=[
                            ("shared_schema", "shared_schema"),
                            ("dedicated_schema", "dedicated_schema"),
                            ("dedicated_database", "dedicated_database"),
                        ],
                        max_length=24,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("in_progress", "In Progress"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("rolled_back", "Rolled Back"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("step", models.CharField(blank=True, default="", max_length=32)),
                (
                    "driver",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("database", "Database"),
                            ("server_pool", "Server Pool"),
                            ("instance", "Instance"),
                            ("hook", "Hook"),
                        ],
                        default="",
                        max_length=16,
                    ),
                ),
                ("rows_total", models.BigIntegerField(default=0)),
                ("rows_done", models.BigIntegerField(default=0)),
                ("rows_per_s", models.FloatField(default=0)),
                ("error", models.TextField(blank=True, default="")),
                ("detail", models.JSONField(blank=True, default=dict)),
                ("is_rollback", models.BooleanField(default=False)),
                ("started_at", models.DateTimeField(null=True)),
                ("flipped_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("purge_after", models.DateTimeField(null=True)),
                ("purged_at", models.DateTimeField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "source",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="moves_away",
                        to="isolation.location",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="moves_here",
                        to="isolation.location",
                    ),
                ),
                (
                    "undoes",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="undone_by",
                        to="isolation.move",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant_id", "id"], name="isolation_move_tenant"),
                    models.Index(fields=["workspace_id", "id"], name="isolation_move_workspace"),
                    models.Index(fields=["status", "id"], name="isolation_move_status"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status__in", ["pending", "in_progress"])),
                        fields=("tenant_id",),
                        name="isolation_one_move_per_tenant",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Database",
            fields=[
                ("alias", models.CharField(max_length=15, primary_key=True, serialize=False)),
                (
                    "driver",
                    models.CharField(
                        choices=[
                            ("database", "Database"),
                            ("server_pool", "Server Pool"),
                            ("instance", "Instance"),
                            ("hook", "Hook"),
                        ],
                        max_length=16,
                    ),
                ),
                ("dsn", models.BinaryField(null=True)),
                ("pool_url", models.CharField(blank=True, default="", max_length=500)),
                ("provided", models.CharField(blank=True, default="", max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("wanted", "Wanted"),
                            ("ready", "Ready"),
                            ("failed", "Failed"),
                            ("retired", "Retired"),
                        ],
                        default="wanted",
                        max_length=16,
                    ),
                ),
                ("detail", models.JSONField(blank=True, default=dict)),
                ("error", models.TextField(blank=True, default="")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "server",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="databases",
                        to="isolation.server",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["state"], name="isolation_database_state")],
            },
        ),
    ]
