"""Endpoints, deliveries and attempts; the outbox learns which events have deliveries."""

from pathlib import Path

import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.models import F, Func, OrderBy, Q, Value

import tenlyr.core.clock
import tenlyr.core.ids

LOG = (Path(__file__).parent.parent / "sql" / "delivery.sql").read_text()
DROP = """
DROP TABLE webhooks_delivery, webhooks_attempt;
DROP FUNCTION webhooks_uuid7(), webhooks_make_partition(text, date),
    webhooks_drop_partition(text, date);
DROP SEQUENCE webhooks_turn;
"""


def from_sequence(name: str) -> Func:
    return Func(Value(name), function="nextval", output_field=models.BigIntegerField())


def key() -> models.UUIDField:
    return models.UUIDField(
        default=tenlyr.core.ids.uuid7, editable=False, primary_key=True, serialize=False
    )


DELIVERY = migrations.CreateModel(
    name="Delivery",
    fields=[
        ("id", key()),
        ("event_id", models.CharField(max_length=30)),
        ("event_at", models.DateTimeField()),
        ("endpoint_id", models.UUIDField()),
        ("workspace_id", models.UUIDField()),
        ("tenant_id", models.UUIDField(null=True)),
        ("lane", models.UUIDField()),
        ("type", models.CharField(max_length=64)),
        ("replay", models.BigIntegerField(default=0)),
        ("is_test", models.BooleanField(default=False)),
        (
            "turn",
            models.BigIntegerField(db_default=from_sequence("webhooks_turn"), editable=False),
        ),
        (
            "status",
            models.CharField(
                choices=[
                    ("pending", "Pending"),
                    ("delivered", "Delivered"),
                    ("failed", "Failed"),
                    ("cancelled", "Cancelled"),
                ],
                default="pending",
                max_length=16,
            ),
        ),
        ("attempts", models.PositiveSmallIntegerField(default=0)),
        ("failures", models.PositiveSmallIntegerField(default=0)),
        ("next_at", models.DateTimeField(null=True)),
        ("first_at", models.DateTimeField(null=True)),
        ("finished_at", models.DateTimeField(null=True)),
        ("created_at", models.DateTimeField(default=tenlyr.core.clock.now, editable=False)),
    ],
    options={
        "indexes": [
            models.Index(
                F("workspace_id"),
                OrderBy(F("id"), descending=True),
                name="webhooks_delivery_workspace",
            ),
            models.Index(
                F("endpoint_id"),
                OrderBy(F("id"), descending=True),
                name="webhooks_delivery_endpoint",
            ),
            models.Index(
                F("tenant_id"),
                OrderBy(F("id"), descending=True),
                condition=Q(tenant_id__isnull=False),
                name="webhooks_delivery_tenant",
            ),
            models.Index(
                condition=Q(status="pending"),
                fields=["endpoint_id", "next_at"],
                name="webhooks_delivery_due",
            ),
            models.Index(
                condition=Q(status="pending"),
                fields=["endpoint_id", "lane", "turn"],
                name="webhooks_delivery_lanes",
            ),
        ],
        "constraints": [
            models.UniqueConstraint(
                fields=("event_id", "endpoint_id", "replay", "event_at"),
                name="webhooks_delivery_once",
            )
        ],
    },
)

ATTEMPT = migrations.CreateModel(
    name="Attempt",
    fields=[
        ("id", key()),
        ("delivery_id", models.UUIDField()),
        ("number", models.PositiveSmallIntegerField()),
        ("at", models.DateTimeField()),
        ("outcome", models.CharField(max_length=24, null=True)),
        ("status", models.PositiveSmallIntegerField(null=True)),
        ("latency_ms", models.FloatField(null=True)),
        ("reason", models.CharField(default="", max_length=200)),
        ("headers", models.JSONField(default=dict)),
        ("response", models.CharField(default="", max_length=1024)),
    ],
    options={
        "indexes": [
            models.Index(fields=["delivery_id", "number"], name="webhooks_attempt_delivery")
        ]
    },
)

ENDPOINT = migrations.CreateModel(
    name="Endpoint",
    fields=[
        ("id", key()),
        ("workspace_id", models.UUIDField()),
        ("tenant_id", models.UUIDField(null=True)),
        ("url", models.CharField(max_length=2048)),
        ("description", models.CharField(blank=True, default="", max_length=200)),
        (
            "events",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=64), size=None
            ),
        ),
        ("is_ordered", models.BooleanField(default=False)),
        ("secret", models.BinaryField()),
        ("previous_secret", models.BinaryField(null=True)),
        ("previous_until", models.DateTimeField(null=True)),
        (
            "status",
            models.CharField(
                choices=[("enabled", "Enabled"), ("paused", "Paused"), ("disabled", "Disabled")],
                default="enabled",
                max_length=16,
            ),
        ),
        ("disabled_reason", models.CharField(blank=True, default="", max_length=200)),
        ("failing_since", models.DateTimeField(null=True)),
        ("warned", models.PositiveSmallIntegerField(default=0)),
        ("created_at", models.DateTimeField(default=tenlyr.core.clock.now, editable=False)),
        ("updated_at", models.DateTimeField(default=tenlyr.core.clock.now)),
    ],
    options={
        "indexes": [
            models.Index(fields=["workspace_id", "id"], name="webhooks_endpoint_workspace"),
            models.Index(
                condition=Q(tenant_id__isnull=False),
                fields=["tenant_id"],
                name="webhooks_endpoint_tenant",
            ),
        ]
    },
)


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0002_types_in_code")]
    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE webhooks_outbox_seq AS bigint", "DROP SEQUENCE webhooks_outbox_seq"
        ),
        migrations.AddField(
            "outboxevent",
            "seq",
            models.BigIntegerField(db_default=from_sequence("webhooks_outbox_seq"), editable=False),
        ),
        # What is there already was of before there was a delivery: nobody waits for it.
        migrations.AddField("outboxevent", "is_fanned_out", models.BooleanField(default=True)),
        migrations.AlterField("outboxevent", "is_fanned_out", models.BooleanField(default=False)),
        migrations.AddIndex(
            "outboxevent",
            models.Index(
                condition=Q(is_fanned_out=False), fields=["seq"], name="outbox_to_fan_out"
            ),
        ),
        ENDPOINT,
        migrations.CreateModel(
            name="Seat",
            fields=[
                ("number", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("holder", models.UUIDField(null=True)),
                ("until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(LOG, DROP)],
            state_operations=[DELIVERY, ATTEMPT],
        ),
    ]
