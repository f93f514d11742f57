"""How tenants are, their history by month, and how far the worker came."""

from pathlib import Path

from django.db import migrations, models

HISTORY = (Path(__file__).parent.parent / "sql" / "history.sql").read_text()
DROP = """
DROP FUNCTION health_make_partition(date), health_drop_partition(date);
DROP TABLE health_history;
"""
STATUSES = [(status, status) for status in ("unknown", "healthy", "warning", "critical")]


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Current",
            fields=[
                ("tenant_id", models.UUIDField(primary_key=True, serialize=False)),
                ("workspace_id", models.UUIDField(db_index=True)),
                (
                    "status",
                    models.CharField(choices=STATUSES, default="unknown", max_length=16),
                ),
                ("since", models.DateTimeField()),
                ("error_rate", models.DecimalField(decimal_places=1, max_digits=4, null=True)),
                ("request_rate", models.FloatField(null=True)),
                ("p50_ms", models.FloatField(null=True)),
                ("p95_ms", models.FloatField(null=True)),
                ("is_alarmed", models.BooleanField(default=False)),
                ("is_noisy", models.BooleanField(default=False)),
            ],
            options={"db_table": "health_current"},
        ),
        # Rows are rewritten at every scan: room on the page keeps that within it.
        migrations.RunSQL(
            "ALTER TABLE health_current SET (fillfactor = 45)", migrations.RunSQL.noop
        ),
        migrations.CreateModel(
            name="Progress",
            fields=[
                (
                    "database",
                    models.CharField(max_length=63, primary_key=True, serialize=False),
                ),
                ("scanned_at", models.DateTimeField(null=True)),
                ("rolled_up_to", models.DateTimeField(null=True)),
                ("away_since", models.DateTimeField(null=True)),
            ],
            options={"db_table": "health_progress"},
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(HISTORY, DROP)],
            state_operations=[
                migrations.CreateModel(
                    name="History",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "tenant_id",
                                "at",
                                "kind",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("tenant_id", models.UUIDField()),
                        ("at", models.DateTimeField()),
                        (
                            "kind",
                            models.CharField(
                                choices=[("change", "Change"), ("hour", "Hour")], max_length=8
                            ),
                        ),
                        ("workspace_id", models.UUIDField()),
                        ("status", models.CharField(choices=STATUSES, max_length=16)),
                        (
                            "error_rate",
                            models.DecimalField(decimal_places=1, max_digits=4, null=True),
                        ),
                        ("request_rate", models.FloatField(null=True)),
                        ("events", models.BigIntegerField(default=0)),
                        ("requests", models.BigIntegerField(default=0)),
                        ("p50_ms", models.FloatField(null=True)),
                        ("p95_ms", models.FloatField(null=True)),
                    ],
                    options={"db_table": "health_history"},
                ),
            ],
        ),
    ]
