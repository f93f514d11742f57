"""Shapes of the usage API's bodies, for its document; the lane reads and writes them itself."""

from rest_framework import serializers

from apps.metering.reading import Mode
from tenlyr.core.api.serializers import WireSerializer
from tenlyr.core.metrics import Metric

METRICS = [metric.value for metric in Metric]


class UsageEventRequestSerializer(WireSerializer):
    """One event to track; `openapi` says what it may hold."""


class UsageEventSerializer(WireSerializer):
    """A usage event (A17)."""

    id = serializers.UUIDField()
    tenant_id = serializers.UUIDField()
    metric = serializers.ChoiceField(choices=METRICS)
    value = serializers.FloatField(help_text="Whole for all metrics but storage_gb.")
    endpoint = serializers.CharField(allow_null=True)
    timestamp = serializers.DateTimeField()
    mode = serializers.ChoiceField(choices=[mode.value for mode in Mode], required=False)
    status_code = serializers.IntegerField(required=False)
    billable = serializers.BooleanField(
        required=False, help_text="There with statusCode; false from 500 on."
    )
    success = serializers.BooleanField(required=False)
    latency_ms = serializers.FloatField(required=False)


class BatchResultSerializer(WireSerializer):
    """What became of one event of a batch."""

    index = serializers.IntegerField()
    status = serializers.IntegerField(help_text="201, or what the event alone had been answered.")
    id = serializers.UUIDField(required=False, help_text="With 201.")
    code = serializers.CharField(required=False)
    message = serializers.CharField(required=False)


class BatchSerializer(WireSerializer):
    """What became of a batch; results in the order of the events."""

    accepted = serializers.IntegerField()
    refused = serializers.IntegerField(help_text="By a limit, the throttle, or an outage.")
    duplicates = serializers.IntegerField(help_text="Answered with the first event of their id.")
    invalid = serializers.IntegerField()
    results = BatchResultSerializer(many=True)


class UsageMetricsSerializer(WireSerializer):
    """Use in the present period; storage and seats as they stand (B14)."""

    tenant_id = serializers.UUIDField()
    api_calls = serializers.IntegerField()
    storage_gb = serializers.FloatField()
    seats = serializers.IntegerField()
    compute = serializers.IntegerField()
    period = serializers.CharField(help_text="The calendar month in UTC, `yyyy-mm`.")


class StandingSerializer(WireSerializer):
    """One metric against its limit."""

    used = serializers.FloatField()
    limit = serializers.FloatField(allow_null=True)
    remaining = serializers.FloatField(allow_null=True)
    percentage = serializers.FloatField(allow_null=True)
    projected = serializers.FloatField(help_text="At the period's end, if use goes on as it did.")
    exhausts_at = serializers.DateTimeField(allow_null=True)


class RollupSerializer(WireSerializer):
    """One metric in one hour, day or month."""

    start = serializers.DateTimeField()
    metric = serializers.ChoiceField(choices=METRICS)
    count = serializers.IntegerField()
    errors = serializers.IntegerField()  # type: ignore[assignment]
    value = serializers.FloatField(help_text="The billable change.")


class RollupsSerializer(WireSerializer):
    """The last 48 hours, 35 days and 13 months; those without events are left out."""

    hourly = RollupSerializer(many=True)
    daily = RollupSerializer(many=True)
    monthly = RollupSerializer(many=True)


class UsageSummarySerializer(WireSerializer):
    """Use against limits, where it leads, and what it was made of (X30)."""

    tenant_id = serializers.UUIDField()
    period_start = serializers.DateTimeField()
    period_end = serializers.DateTimeField()
    metrics = serializers.DictField(child=StandingSerializer(), help_text="By metric.")
    rollups = RollupsSerializer()
