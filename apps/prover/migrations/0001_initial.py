"""Proofs and decoys, and the trigger that keeps a finished proof as it is."""

from pathlib import Path

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import tenlyr.core.clock
import tenlyr.core.ids

FINAL = (Path(__file__).parent.parent / "sql" / "final.sql").read_text()


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Decoy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("alias", models.CharField(max_length=63)),
                ("location_id", models.BigIntegerField()),
                (
                    "schemas",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=63), size=None
                    ),
                ),
                (
                    "tenants",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), size=None
                    ),
                ),
                (
                    "roles",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=63), default=list, size=None
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Proof",
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
                ("workspace_id", models.UUIDField()),
                (
                    "cause",
                    models.CharField(
                        choices=[
                            ("nightly", "Nightly"),
                            ("api", "Api"),
                            ("command", "Command"),
                            ("move", "Move"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("running", "Running"),
                            ("passed", "Passed"),
                            ("failed", "Failed"),
                            ("incomplete", "Incomplete"),
                            ("broken", "Broken"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                (
                    "focus",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("report", models.JSONField(null=True)),
                ("digest", models.CharField(default="", max_length=64)),
                ("signature", models.CharField(default="", max_length=88)),
                ("public_key", models.CharField(default="", max_length=44)),
                ("attacks", models.PositiveIntegerField(default=0)),
                ("breaches", models.PositiveIntegerField(default=0)),
                ("unproven", models.PositiveIntegerField(default=0)),
                ("defects", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(default="")),
                ("created_at", models.DateTimeField(default=tenlyr.core.clock.now, editable=False)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "previous",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="prover.proof",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["workspace_id", "-created_at", "-id"], name="prover_newest"
                    ),
                    models.Index(
                        condition=models.Q(("finished_at", None)),
                        fields=["created_at"],
                        name="prover_unfinished",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("cause", "api"), ("finished_at", None)),
                        fields=("workspace_id",),
                        name="one_proof_asked_for",
                    )
                ],
            },
        ),
        migrations.RunSQL(FINAL, migrations.RunSQL.noop),
    ]
