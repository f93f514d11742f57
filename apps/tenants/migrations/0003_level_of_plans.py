"""The highest level of isolation that a plan allows (X59)."""

from django.db import migrations, models

from apps.isolation.public import Level


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_plans")]
    operations = [
        migrations.AddField(
            model_name="planversion",
            name="max_level",
            field=models.CharField(
                blank=True,
                choices=[(level.value, level.value) for level in Level],
                default="",
                help_text="The plan's tenants are born at this level or below, and move no higher.",
                max_length=24,
                verbose_name="highest isolation level",
            ),
        ),
    ]
