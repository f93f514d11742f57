"""Which scheduled jobs were done in which period."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="JobRun",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "job",
                        "period",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("job", models.CharField(max_length=64)),
                ("period", models.DateTimeField()),
                ("started_at", models.DateTimeField()),
            ],
        ),
    ]
