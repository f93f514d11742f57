"""Releases, schemas and logins of the operator data plane, and its part of the database."""

import django.db.models.deletion
from django.db import migrations, models

import tenlyr.core.clock
import tenlyr.core.ids
from apps.dataplane import setting_up

# The app's role adds releases and moves them on; the SQL of one, nobody changes.
NARROWED = """
REVOKE UPDATE, DELETE ON dataplane_release FROM tenlyr_app;
GRANT UPDATE (status, tables) ON dataplane_release TO tenlyr_app;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("isolation", "0002_databases_and_moves"),
        ("workspaces", "0001_initial"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Plane",
            fields=[
                (
                    "workspace",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="workspaces.workspace",
                    ),
                ),
                ("version", models.IntegerField(default=0)),
                ("created_at", models.DateTimeField(default=tenlyr.core.clock.now, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="Login",
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
                ("role", models.CharField(max_length=63, unique=True)),
                ("verifier", models.BinaryField()),
                ("aliases", models.JSONField(default=list)),
                ("expires_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=tenlyr.core.clock.now, editable=False)),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant_id", "created_at"], name="dataplane_login_tenant"),
                    models.Index(
                        condition=models.Q(("revoked_at", None)),
                        fields=["expires_at"],
                        name="dataplane_login_expires",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Release",
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
                ("version", models.IntegerField()),
                ("statements", models.JSONField()),
                ("checksum", models.CharField(max_length=64)),
                ("tables", models.JSONField(default=list)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("published", "Published"),
                            ("rolling", "Rolling"),
                            ("paused", "Paused"),
                            ("failed", "Failed"),
                            ("done", "Done"),
                        ],
                        default="published",
                        max_length=16,
                    ),
                ),
                ("created_at", models.DateTimeField(default=tenlyr.core.clock.now, editable=False)),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("workspace", "version"), name="dataplane_one_release_per_version"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SchemaState",
            fields=[
                ("schema", models.CharField(max_length=63, primary_key=True, serialize=False)),
                ("version", models.IntegerField(default=0)),
                ("is_open", models.BooleanField(default=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("ready", "Ready"), ("failed", "Failed")],
                        default="ready",
                        max_length=16,
                    ),
                ),
                ("error", models.TextField(blank=True, default="")),
                ("changed_at", models.DateTimeField(default=tenlyr.core.clock.now)),
                (
                    "location",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="isolation.location",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="workspaces.workspace",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["workspace", "version"], name="dataplane_schema_version")
                ],
            },
        ),
        migrations.RunSQL(NARROWED, migrations.RunSQL.noop),
        migrations.RunSQL(setting_up.control_sql(), migrations.RunSQL.noop),
    ]
