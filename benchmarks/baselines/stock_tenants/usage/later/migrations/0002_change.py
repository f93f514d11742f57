"""One column more."""

from django.db import migrations

from benchmarks.baselines.stock_tenants.settings import TENANT_CHANGE


class Migration(migrations.Migration):
    dependencies = [("usage", "0001_initial")]
    operations = [migrations.RunSQL(TENANT_CHANGE)]
