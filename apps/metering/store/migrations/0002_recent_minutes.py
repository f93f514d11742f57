"""The newest minutes of all tenants are found without looking at each tenant (F8)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial")]
    operations = [
        migrations.AddIndex("minute", models.Index(fields=["minute"], name="usage_minute_recent"))
    ]
