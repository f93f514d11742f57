"""Tokens for the way to other databases, the entry at which a shard waits, and functions that ask
nothing of the control plane.
"""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("metering", "0001_initial")]
    operations = [
        migrations.AddField("shard", "waits_for", models.TextField(blank=True, db_default="")),
        migrations.AddField("shard", "waits_ms", models.BigIntegerField(db_default=0)),
        migrations.AddField("shard", "waits_seq", models.BigIntegerField(db_default=0)),
        migrations.RunSQL((SQL / "database.sql").read_text(), migrations.RunSQL.noop),
        migrations.RunSQL((SQL / "fence.sql").read_text(), "DROP SEQUENCE metering_fence"),
    ]
