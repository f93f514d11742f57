"""Tenants, their keys, the plan catalogue, the certificates of deletion."""

import django.db.models.deletion
from django.db import migrations, models

import apps.tenants.plans
import apps.tenants.states
import tenlyr.core.clock
import tenlyr.core.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("workspaces", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeletionCertificate",
            fields=[
                ("tenant_id", models.UUIDField(primary_key=True, serialize=False)),
                ("workspace_id", models.UUIDField(db_index=True)),
                ("requested_at", models.DateTimeField(default=tenlyr.core.clock.now)),
                ("finished_at", models.DateTimeField(null=True)),
                ("counts", models.JSONField(default=dict)),
                ("sha256", models.CharField(default="", max_length=64)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("finished_at", None)),
                        fields=["requested_at"],
                        name="tenants_unfinished_deletions",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PlanVersion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenlyr.core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        choices=[(one, one) for one in apps.tenants.plans.TenantPlan], max_length=16
                    ),
                ),
                ("version", models.PositiveIntegerField(editable=False)),
                (
                    "price_cents",
                    models.PositiveIntegerField(default=0, help_text="Per month, in cents."),
                ),
                ("limits", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(default=tenlyr.core.clock.now, editable=False)),
                (
                    "workspace",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="plans",
                        to="workspaces.workspace",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Tenant",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenlyr.core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.CharField(max_length=255)),
                ("owner_email", models.CharField(max_length=254)),
                ("email_key", models.CharField(editable=False, max_length=320)),
                (
                    "status",
                    models.CharField(
                        choices=[(one, one) for one in apps.tenants.states.Status], max_length=16
                    ),
                ),
                ("region", models.CharField(default="us-east-1", max_length=64)),
                ("limit_rpm", models.PositiveIntegerField(blank=True, null=True)),
                ("api_key_prefix", models.CharField(editable=False, max_length=16)),
                ("last_active_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(default=tenlyr.core.clock.now, editable=False)),
                (
                    "plan_version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tenants",
                        to="tenants.planversion",
                    ),
                ),
                (
                    "workspace",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tenants",
                        to="workspaces.workspace",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TenantKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenlyr.core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("verifier", models.CharField(editable=False, max_length=128)),
                ("prefix", models.CharField(editable=False, max_length=16)),
                ("created_at", models.DateTimeField(default=tenlyr.core.clock.now, editable=False)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="keys",
                        to="tenants.tenant",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="planversion",
            constraint=models.UniqueConstraint(
                fields=("workspace", "name", "version"),
                name="one_plan_per_version",
                nulls_distinct=False,
            ),
        ),
        migrations.AddIndex(
            model_name="tenant",
            index=models.Index(
                fields=["workspace", "-created_at", "-id"], name="tenants_newest_first"
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.UniqueConstraint(
                fields=("workspace", "email_key"), name="one_tenant_per_email"
            ),
        ),
        migrations.AddConstraint(
            model_name="tenantkey",
            constraint=models.UniqueConstraint(
                condition=models.Q(("expires_at", None), ("revoked_at", None)),
                fields=("tenant",),
                name="one_live_key_per_tenant",
            ),
        ),
        # A published version never changes, and a certificate is never taken back.
        migrations.RunSQL(
            "REVOKE UPDATE, DELETE ON tenants_planversion FROM tenlyr_app;"
            "REVOKE DELETE ON tenants_deletioncertificate FROM tenlyr_app",
            migrations.RunSQL.noop,
        ),
    ]
