"""What a tenant's own database was told may be unknown, and is until all are told anew; tries of a
roll-out are counted.
"""

from django.db import migrations, models

FORGET = """
UPDATE dataplane_schemastate s SET is_open = NULL
FROM isolation_location l WHERE l.id = s.location_id AND l.alias <> 'default'
"""


class Migration(migrations.Migration):
    dependencies = [("dataplane", "0003_tried")]
    operations = [
        migrations.AlterField(
            model_name="schemastate",
            name="is_open",
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name="schemastate",
            name="tries",
            field=models.SmallIntegerField(default=0),
        ),
        migrations.RunSQL(FORGET, migrations.RunSQL.noop),
    ]
