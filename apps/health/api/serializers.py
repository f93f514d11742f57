"""Bodies of the health API, in and out (B20-B23)."""

from typing import Any

from rest_framework import serializers

from apps.health.selectors import TenantHealth
from apps.health.statuses import Status
from apps.tenants.public import HIGHEST_RPM
from tenlyr.core.api.serializers import MomentField, StrictIntegerField, WireSerializer

STATUSES = [status.value for status in Status]


class ThrottleSerializer(WireSerializer):
    """The body of `health.throttle`."""

    limit_rpm = StrictIntegerField(
        min_value=1, max_value=HIGHEST_RPM, help_text="Tracked calls a minute."
    )


class TenantHealthSerializer(WireSerializer):
    """How a tenant is, by the events of its last minutes (A23, X37)."""

    tenant_id = serializers.UUIDField()
    tenant_name = serializers.CharField()
    status = serializers.ChoiceField(
        choices=STATUSES,
        help_text="critical above 10 % of errors, warning from 3 %, healthy below; unknown while"
        " no event says whether it failed.",
    )
    error_rate = serializers.FloatField(
        allow_null=True, help_text="Percent with one decimal; null while nothing is known."
    )
    request_rate = serializers.FloatField(
        allow_null=True, help_text="Requests a minute; null while nothing is known."
    )
    p50_ms = serializers.FloatField(allow_null=True, help_text="Null without latencies.")
    p95_ms = serializers.FloatField(allow_null=True, help_text="Null without latencies.")
    sla_risk = serializers.BooleanField(help_text="In warning and critical.")
    noisy_neighbour = serializers.BooleanField(
        help_text="Its load is out of the usual, and felt by others."
    )
    rate_limit = serializers.IntegerField(
        allow_null=True, help_text="The throttle, in requests a minute."
    )
    checked_at = MomentField(allow_null=True, help_text="The last scan.")
    since = MomentField(allow_null=True, help_text="When the status began.")


class OverviewSerializer(WireSerializer):
    """The workspace's tenants by status (B20)."""

    total = serializers.IntegerField()
    healthy = serializers.IntegerField()
    warning = serializers.IntegerField()
    critical = serializers.IntegerField()
    unknown = serializers.IntegerField()
    avg_error_rate = serializers.FloatField(help_text="Percent, over the tenants with data.")


def described(one: TenantHealth) -> dict[str, Any]:
    """A tenant's health as plain values, in Python's casing."""
    health = one.health
    return {
        "tenant_id": one.tenant.id,
        "tenant_name": one.tenant.name,
        "status": health.status.value,
        "error_rate": health.error_rate,
        "request_rate": health.request_rate,
        "p50_ms": health.p50_ms,
        "p95_ms": health.p95_ms,
        "sla_risk": health.sla_risk,
        "noisy_neighbour": health.is_noisy,
        "rate_limit": one.tenant.limit_rpm,
        "checked_at": health.checked_at,
        "since": health.since,
    }
