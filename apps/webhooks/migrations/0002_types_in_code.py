"""The names of events are a list in code alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0001_initial")]
    operations = [
        migrations.AlterField("outboxevent", "type", models.CharField(max_length=64)),
    ]
