"""When the sweep last tried a purge, so that those that fail do not stand before all others."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_level_of_plans")]
    operations = [
        migrations.AddField(
            model_name="deletioncertificate",
            name="tried_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
