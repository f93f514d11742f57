"""Bodies of the tenants API, in and out (A9, B2-B11)."""

from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from apps.isolation.public import Level
from apps.tenants.emails import LONGEST_KEY, key_of
from apps.tenants.lifecycle import LONGEST_GRACE
from apps.tenants.models import DEFAULT_REGION, LONGEST_NAME, LONGEST_REGION
from apps.tenants.plans import TenantPlan
from apps.tenants.states import Status
from tenlyr.core.api.serializers import (
    NOT_PLAIN,
    MomentField,
    StrictCharField,
    StrictChoiceField,
    StrictEmailField,
    StrictIntegerField,
    WireSerializer,
)

PLAIN = RegexValidator(rf"^[^{NOT_PLAIN}]*$", "Contains a character that is not allowed.")
NAME = RegexValidator(
    rf"^[^\s{NOT_PLAIN}]([^{NOT_PLAIN}]*[^\s{NOT_PLAIN}])?$",
    "Must begin and end with a visible character.",
)
LONGEST_REASON = 500
REGION = RegexValidator(
    r"^[a-z0-9]+(-[a-z0-9]+)*$", "Must be lower-case words and digits with hyphens between."
)
PLANS = [plan.value for plan in TenantPlan]
STATUSES = [status.value for status in Status]
LEVELS = [level.value for level in Level]


class NameField(StrictCharField):
    """A tenant's name, kept verbatim: 2 to 255 characters (B3)."""

    def __init__(self, **kwargs: Any) -> None:
        given = {"min_length": 2, "max_length": LONGEST_NAME, "trim_whitespace": False, **kwargs}
        super().__init__(validators=[NAME], **given)


class RegionField(StrictCharField):
    """A region's label, such as `us-east-1` (A35)."""

    def __init__(self, **kwargs: Any) -> None:
        given = {"max_length": LONGEST_REGION, "trim_whitespace": False, **kwargs}
        super().__init__(validators=[REGION], **given)


class LevelField(StrictChoiceField):
    """A level of isolation (A19)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=LEVELS, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return Level(super().to_internal_value(data))


class PlanField(StrictChoiceField):
    """One of the four plans."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=PLANS, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return TenantPlan(super().to_internal_value(data))


class CreateTenantSerializer(WireSerializer):
    """The body of `tenants.create`."""

    name = NameField()
    owner_email = StrictEmailField(
        trim_whitespace=False, help_text="Unique in the workspace, whatever its case."
    )
    plan = PlanField(default=TenantPlan.STARTER)
    region = RegionField(default=DEFAULT_REGION)
    isolation_level = LevelField(
        default=Level.SHARED_SCHEMA,
        help_text="With `dedicated_database` the tenant is born with a schema of its own, works at"
        " once, and moves to its database; the answer has the migration.",
    )

    def validate_owner_email(self, address: str) -> str:
        """An address whose compared form could not be stored is refused."""
        if len(key_of(address)) > LONGEST_KEY:
            raise serializers.ValidationError("Is too long.", code="max_length")
        return address


class UpdateTenantSerializer(WireSerializer):
    """The body of `tenants.update`: only labels."""

    name = NameField(required=False)
    region = RegionField(required=False)


class SuspendTenantSerializer(WireSerializer):
    """The body of `tenants.suspend`."""

    reason = StrictCharField(
        required=False,
        max_length=LONGEST_REASON,
        trim_whitespace=False,
        validators=[PLAIN],
        help_text="Kept in the audit trail and sent with the event.",
    )


class ChangePlanSerializer(WireSerializer):
    """The body of `tenants.changePlan`."""

    plan = PlanField()


class RotateKeySerializer(WireSerializer):
    """The body of `tenants.rotateApiKey`."""

    grace_period_seconds = StrictIntegerField(
        default=0,
        min_value=0,
        max_value=int(LONGEST_GRACE.total_seconds()),
        help_text="How long the key before this one goes on working; 0 ends every older key now.",
    )


class TenantSerializer(WireSerializer):
    """A tenant as every answer shows it (A9)."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    owner_email = serializers.CharField()
    plan = serializers.ChoiceField(choices=PLANS)
    status = serializers.ChoiceField(choices=STATUSES)
    region = serializers.CharField()
    isolation_level = serializers.ChoiceField(choices=LEVELS)
    api_key_prefix = serializers.CharField(help_text="The key's first 16 characters, for display.")
    last_active_at = MomentField(
        allow_null=True, help_text="The tenant's last authenticated call, up to a minute late."
    )
    created_at = MomentField()


class TenantWithKeySerializer(WireSerializer):
    """A tenant with its new key: the only time the key is shown (A12)."""

    tenant = TenantSerializer()
    api_key = serializers.CharField()


class TenantPageSerializer(WireSerializer):
    """A page of tenants, the newest first."""

    data = TenantSerializer(many=True)  # type: ignore[assignment]  # the documents' name (B2)
    next_cursor = serializers.CharField(allow_null=True, help_text="Null on the last page.")
