"""Events know whether the endpoints of tenants may hear of them."""

from django.db import migrations, models

# What was emitted before; a replay must not tell it either.
KNOWN = """
UPDATE webhooks_outboxevent SET is_for_operators = true
WHERE type IN ('health.noisy_neighbour', 'health.neighbour_quiet', 'isolation.proof_failed',
               'authz.cross_tenant_violation')
   OR type = 'alert.created' AND data ->> 'type' IN ('noisy_neighbour', 'cross_tenant_violation')
"""


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0003_delivery")]
    operations = [
        migrations.AddField(
            "outboxevent", "is_for_operators", models.BooleanField(db_default=False)
        ),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
    ]
