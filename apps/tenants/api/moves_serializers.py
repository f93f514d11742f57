"""Bodies of the moves API, in and out (B17-B19)."""

from typing import Any

from rest_framework import serializers

from apps.isolation.public import Level
from apps.tenants.api.serializers import LEVELS, TenantWithKeySerializer
from tenlyr.core.api.serializers import IdField, MomentField, StrictChoiceField, WireSerializer

STATUSES = ["pending", "in_progress", "completed", "failed", "rolled_back"]
TARGETS = [Level.DEDICATED_SCHEMA.value, Level.DEDICATED_DATABASE.value]


class TargetLevelField(StrictChoiceField):
    """A level that a tenant can be moved up to. The lowest is read too: a rule refuses it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=TARGETS, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if data == Level.SHARED_SCHEMA:
            return Level.SHARED_SCHEMA
        return Level(super().to_internal_value(data))


class MigrateSerializer(WireSerializer):
    """The body of `isolation.migrate`."""

    tenant_id = IdField()
    target_level = TargetLevelField()


class ProgressSerializer(WireSerializer):
    """How far a migration is."""

    step = serializers.CharField(
        allow_null=True, help_text="The last step that is finished; null before the first."
    )
    rows_done = serializers.IntegerField()
    rows_total = serializers.IntegerField(help_text="As estimated at the start, then as counted.")
    rows_per_second = serializers.FloatField()
    estimated_seconds_left = serializers.IntegerField(
        allow_null=True, help_text="Of copying; null while there is no rate to go by."
    )


class MigrationSerializer(WireSerializer):
    """A migration as every answer shows it."""

    id = serializers.UUIDField()
    tenant_id = serializers.UUIDField()
    from_level = serializers.ChoiceField(choices=LEVELS)
    to_level = serializers.ChoiceField(choices=LEVELS)
    status = serializers.ChoiceField(
        choices=STATUSES, help_text="It ends as completed or failed, and may be rolled_back later."
    )
    error = serializers.CharField(
        allow_null=True, help_text="Why it failed; the tenant is where it was."
    )
    created_at = MomentField()
    started_at = MomentField(allow_null=True)
    flipped_at = MomentField(
        allow_null=True, help_text="From this moment on the tenant is at its new level."
    )
    finished_at = MomentField(allow_null=True)
    rollback_until = MomentField(
        allow_null=True, help_text="Until then the old place is kept; null where no way leads back."
    )
    rollback_of = serializers.UUIDField(
        allow_null=True, help_text="The migration that this one undoes."
    )
    provided = serializers.CharField(
        allow_null=True, help_text="What was really given, for people; null until it is there."
    )
    progress = ProgressSerializer()


class CreatedTenantSerializer(TenantWithKeySerializer):
    """A new tenant with its key, and the migration to the level it is to have."""

    migration = MigrationSerializer(
        required=False, help_text="Only for a tenant that is to have a database of its own."
    )
