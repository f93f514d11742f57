"""Shapes of the dashboard's answers (B1)."""

from rest_framework import serializers

from apps.health.public import Status as HealthStatus
from apps.isolation.public import Level
from apps.tenants.public import Status, TenantPlan
from tenlyr.core.api.serializers import WireSerializer

HEALTH = [status.value for status in HealthStatus]


class DashboardTenantSerializer(WireSerializer):
    """One tenant with usage of this month, health and money. A limit of null means any amount."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    owner_email = serializers.CharField()
    plan = serializers.ChoiceField(choices=[plan.value for plan in TenantPlan])
    status = serializers.ChoiceField(choices=[status.value for status in Status])
    region = serializers.CharField()
    isolation_level = serializers.ChoiceField(choices=[level.value for level in Level])
    api_calls = serializers.IntegerField()
    storage_gb = serializers.FloatField()
    seats = serializers.IntegerField()
    compute = serializers.IntegerField()
    api_call_limit = serializers.IntegerField(allow_null=True)
    storage_gb_limit = serializers.FloatField(allow_null=True)
    seats_limit = serializers.IntegerField(allow_null=True)
    compute_limit = serializers.IntegerField(allow_null=True)
    error_rate = serializers.FloatField(
        allow_null=True, help_text="Percent; null while nothing is known."
    )
    request_rate = serializers.FloatField(
        allow_null=True, help_text="Per minute; null while nothing is known."
    )
    sla_risk = serializers.BooleanField()
    rate_limit = serializers.IntegerField(
        allow_null=True, help_text="The throttle, in requests per minute."
    )
    health_status = serializers.ChoiceField(choices=HEALTH)
    mrr_cents = serializers.IntegerField()
    usage_cost_cents = serializers.IntegerField()
