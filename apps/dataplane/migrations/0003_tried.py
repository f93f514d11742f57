"""When the sweeps last tried a row, so that those that fail do not stand before all others."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dataplane", "0002_rollout")]
    operations = [
        migrations.AddField(
            model_name="schemastate",
            name="tell_tried_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="login",
            name="tried_at",
            field=models.DateTimeField(null=True),
        ),
    ]
