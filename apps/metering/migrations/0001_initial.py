"""Shards, dead letters, staging, and the functions that keep the usage tables' partitions."""

from pathlib import Path

import django.db.models.functions.datetime
from django.db import migrations, models

SQL = Path(__file__).parent.parent / "sql"
CONTROL = "".join((SQL / name).read_text() for name in ("database.sql", "control.sql"))
DROP = """
DROP FUNCTION metering_empty_staging(bigint), metering_make_partition(text, text, date),
    metering_drop_partition(text, text, date), metering_is_usage(text, text);
DROP TABLE metering_staging;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = [("isolation", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="Shard",
            fields=[
                ("shard", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("epoch", models.BigIntegerField(db_default=1)),
                ("last_ms", models.BigIntegerField(db_default=0)),
                ("last_seq", models.BigIntegerField(db_default=0)),
                ("corrections", models.JSONField(default=list)),
            ],
            options={"db_table": "metering_shard"},
        ),
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("shard", models.PositiveSmallIntegerField()),
                ("entry", models.CharField(max_length=41)),
                ("tenant_id", models.UUIDField(db_index=True, null=True)),
                ("payload", models.BinaryField()),
                ("reason", models.TextField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={"db_table": "metering_dead_letter"},
        ),
        migrations.AddConstraint(
            model_name="deadletter",
            constraint=models.UniqueConstraint(
                fields=("shard", "entry"), name="metering_dead_letter_once"
            ),
        ),
        migrations.RunSQL(CONTROL, DROP),
    ]
