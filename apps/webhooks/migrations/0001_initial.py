"""The outbox of events."""

from django.db import migrations, models

import tenlyr.core.events


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="OutboxEvent",
            fields=[
                ("id", models.CharField(max_length=30, primary_key=True, serialize=False)),
                (
                    "type",
                    models.CharField(
                        choices=[
                            (
                                tenlyr.core.events.EventType["TENANT_PROVISIONED"],
                                tenlyr.core.events.EventType["TENANT_PROVISIONED"],
                            ),
                            (
                                tenlyr.core.events.EventType["TENANT_SUSPENDED"],
                                tenlyr.core.events.EventType["TENANT_SUSPENDED"],
                            ),
                            (
                                tenlyr.core.events.EventType["TENANT_REACTIVATED"],
                                tenlyr.core.events.EventType["TENANT_REACTIVATED"],
                            ),
                            (
                                tenlyr.core.events.EventType["TENANT_TERMINATED"],
                                tenlyr.core.events.EventType["TENANT_TERMINATED"],
                            ),
                            (
                                tenlyr.core.events.EventType["TENANT_DELETED"],
                                tenlyr.core.events.EventType["TENANT_DELETED"],
                            ),
                            (
                                tenlyr.core.events.EventType["TENANT_PLAN_CHANGED"],
                                tenlyr.core.events.EventType["TENANT_PLAN_CHANGED"],
                            ),
                            (
                                tenlyr.core.events.EventType["TENANT_KEY_ROTATED"],
                                tenlyr.core.events.EventType["TENANT_KEY_ROTATED"],
                            ),
                            (
                                tenlyr.core.events.EventType["HEALTH_CRITICAL"],
                                tenlyr.core.events.EventType["HEALTH_CRITICAL"],
                            ),
                            (
                                tenlyr.core.events.EventType["HEALTH_RECOVERED"],
                                tenlyr.core.events.EventType["HEALTH_RECOVERED"],
                            ),
                            (
                                tenlyr.core.events.EventType["ALERT_CREATED"],
                                tenlyr.core.events.EventType["ALERT_CREATED"],
                            ),
                            (
                                tenlyr.core.events.EventType["SUBSCRIPTION_CREATED"],
                                tenlyr.core.events.EventType["SUBSCRIPTION_CREATED"],
                            ),
                            (
                                tenlyr.core.events.EventType["PAYMENT_SUCCEEDED"],
                                tenlyr.core.events.EventType["PAYMENT_SUCCEEDED"],
                            ),
                            (
                                tenlyr.core.events.EventType["PAYMENT_FAILED"],
                                tenlyr.core.events.EventType["PAYMENT_FAILED"],
                            ),
                            (
                                tenlyr.core.events.EventType["MIGRATION_STARTED"],
                                tenlyr.core.events.EventType["MIGRATION_STARTED"],
                            ),
                            (
                                tenlyr.core.events.EventType["MIGRATION_COMPLETED"],
                                tenlyr.core.events.EventType["MIGRATION_COMPLETED"],
                            ),
                            (
                                tenlyr.core.events.EventType["MIGRATION_FAILED"],
                                tenlyr.core.events.EventType["MIGRATION_FAILED"],
                            ),
                        ],
                        max_length=64,
                    ),
                ),
                ("workspace_id", models.UUIDField()),
                ("tenant_id", models.UUIDField(null=True)),
                ("data", models.JSONField()),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["workspace_id", "created_at"], name="outbox_by_workspace"),
                    models.Index(fields=["tenant_id", "created_at"], name="outbox_by_tenant"),
                ],
            },
        ),
    ]
