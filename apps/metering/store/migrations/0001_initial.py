"""The usage tables, in whichever schema is being migrated, fenced by tenant."""

from pathlib import Path

import django.contrib.postgres.fields
from django.db import migrations, models

from apps.isolation.operations import Isolate

TABLES = (Path(__file__).parent.parent / "sql" / "tables.sql").read_text()
DROP = "DROP TABLE usage_event, usage_minute, usage_rollup"


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(TABLES, DROP)],
            state_operations=[
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "tenant_id",
                                "id",
                                "ts",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("tenant_id", models.UUIDField()),
                        ("id", models.UUIDField()),
                        ("ts", models.DateTimeField()),
                        ("metric", models.CharField(max_length=32)),
                        ("value", models.DecimalField(decimal_places=6, max_digits=20)),
                        ("delta", models.DecimalField(decimal_places=6, max_digits=22)),
                        ("mode", models.CharField(max_length=16, null=True)),
                        ("endpoint", models.CharField(max_length=255, null=True)),
                        ("status_code", models.SmallIntegerField(null=True)),
                        ("success", models.BooleanField(null=True)),
                        ("latency_ms", models.FloatField(null=True)),
                        ("billable", models.BooleanField()),
                    ],
                    options={
                        "db_table": "usage_event",
                        "indexes": [
                            models.Index(
                                fields=["tenant_id", "-ts", "-id"], name="usage_event_newest"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Minute",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "tenant_id",
                                "metric",
                                "minute",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("tenant_id", models.UUIDField()),
                        ("metric", models.CharField(max_length=32)),
                        ("minute", models.DateTimeField()),
                        ("count", models.BigIntegerField()),
                        ("errors", models.BigIntegerField()),
                        ("known", models.BigIntegerField()),
                        ("value", models.DecimalField(decimal_places=6, max_digits=30)),
                        ("latency_count", models.BigIntegerField()),
                        ("latency_sum_ms", models.FloatField()),
                        (
                            "latencies",
                            django.contrib.postgres.fields.ArrayField(
                                base_field=models.BigIntegerField(), null=True, size=None
                            ),
                        ),
                    ],
                    options={"db_table": "usage_minute"},
                ),
                migrations.CreateModel(
                    name="Rollup",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "tenant_id",
                                "grain",
                                "metric",
                                "start",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("tenant_id", models.UUIDField()),
                        ("grain", models.CharField(max_length=8)),
                        ("metric", models.CharField(max_length=32)),
                        ("start", models.DateTimeField()),
                        ("count", models.BigIntegerField()),
                        ("errors", models.BigIntegerField()),
                        ("value", models.DecimalField(decimal_places=6, max_digits=30)),
                    ],
                    options={
                        "db_table": "usage_rollup",
                        "indexes": [
                            models.Index(
                                fields=["start"],
                                condition=models.Q(("grain", "month")),
                                name="usage_rollup_months",
                            )
                        ],
                    },
                ),
            ],
        ),
        Isolate("usage_event"),
        Isolate("usage_minute"),
        Isolate("usage_rollup"),
    ]
