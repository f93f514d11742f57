"""The newest minutes of all tenants are found without looking at each tenant (F8).

While it is built the table's writers wait: the consumer, whose events stay in the stream meanwhile,
and moves; no call does. CONCURRENTLY is not to be had on a partitioned table, and months indexed one
by one and attached would be worth their code only where a build takes minutes: no installation is
older than this index.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial")]
    operations = [
        migrations.AddIndex("minute", models.Index(fields=["minute"], name="usage_minute_recent"))
    ]
