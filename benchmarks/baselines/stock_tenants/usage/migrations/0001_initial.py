"""One migration, as short as a history can be: the baseline at its best."""

from django.db import migrations

from benchmarks.baselines.stock_tenants.settings import TENANT_TABLES


class Migration(migrations.Migration):
    initial = True
    operations = [migrations.RunSQL(TENANT_TABLES)]
