"""Key epochs and idempotency records."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuthEpoch",
            fields=[
                ("subject", models.UUIDField(primary_key=True, serialize=False)),
                ("epoch", models.BigIntegerField(default=1)),
                (
                    "changed_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), db_index=True
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                ("scope", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("status", models.PositiveSmallIntegerField()),
                ("answer", models.BinaryField()),
                ("holds_secret", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(db_index=True)),
            ],
        ),
    ]
