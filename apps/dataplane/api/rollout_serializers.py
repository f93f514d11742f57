"""Bodies of the roll-out's API, in and out."""

from rest_framework import serializers

from apps.dataplane.models import Rollout
from apps.dataplane.rollout.planning import FAILURE_BUDGET, PARALLEL
from tenlyr.core.api.serializers import IdField, MomentField, StrictIntegerField, WireSerializer

MOST_PARALLEL, MOST_CANARIES, MOST_FAILURES = 16, 100, 100_000


class StartSerializer(WireSerializer):
    """The body of `dataplane.startRollout`."""

    canary_tenant_ids = serializers.ListField(
        child=IdField(),
        required=False,
        default=list,
        max_length=MOST_CANARIES,
        help_text="Tenants with a schema of their own that get the version before all others.",
    )
    parallel = StrictIntegerField(
        required=False,
        default=PARALLEL,
        min_value=1,
        max_value=MOST_PARALLEL,
        help_text="Schemas worked on at once.",
    )
    failure_budget = StrictIntegerField(
        required=False,
        default=FAILURE_BUDGET,
        min_value=0,
        max_value=MOST_FAILURES,
        help_text="How many schemas may refuse before the roll-out stops.",
    )


class FailureSerializer(WireSerializer):
    """A schema that refused, and why."""

    schema = serializers.CharField()
    error = serializers.CharField()


class RolloutSerializer(WireSerializer):
    """A version's way to every schema that lacked it."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    status = serializers.ChoiceField(choices=[status.value for status in Rollout.Status])
    wave = serializers.IntegerField(help_text="The wave at hand, from 1.")
    waves = serializers.IntegerField()
    total = serializers.IntegerField(help_text="Schemas that were behind when it began.")
    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    failure_budget = serializers.IntegerField()
    failures = FailureSerializer(many=True, help_text="The first 20.")
    rate_per_second = serializers.FloatField(allow_null=True)
    estimated_seconds_left = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    started_at = MomentField()
    finished_at = MomentField(allow_null=True)


class DriftedSerializer(WireSerializer):
    """A schema that differs from its release."""

    schema = serializers.CharField()
    missing = serializers.ListField(child=serializers.CharField())
    added = serializers.ListField(child=serializers.CharField())


class DriftSerializer(WireSerializer):
    """Every schema of the workspace beside the shared one, which has the current release."""

    version = serializers.IntegerField(help_text="The current release; 0 without one.")
    is_clean = serializers.BooleanField()
    checked = serializers.IntegerField()
    behind = serializers.IntegerField(help_text="Schemas with an older release: not compared.")
    unreachable = serializers.ListField(child=serializers.CharField())
    drifted = DriftedSerializer(many=True, help_text="The first 50.")
    drifted_total = serializers.IntegerField()
