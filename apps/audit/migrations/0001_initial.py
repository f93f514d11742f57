"""The trail's table, and the functions that are the only way to write to it."""

from pathlib import Path

from django.db import migrations, models

TRAIL = (Path(__file__).parent.parent / "sql" / "trail.sql").read_text()


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("workspace_id", models.UUIDField()),
                ("seq", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("tenant_id", models.UUIDField(null=True)),
                ("body", models.JSONField()),
                ("prev", models.BinaryField()),
                ("hash", models.BinaryField()),
            ],
            options={
                "default_permissions": ("view",),
                "indexes": [models.Index(fields=["tenant_id", "at"], name="audit_by_tenant")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("workspace_id", "seq"), name="one_chain_per_workspace"
                    )
                ],
            },
        ),
        migrations.RunSQL(TRAIL, migrations.RunSQL.noop),
    ]
