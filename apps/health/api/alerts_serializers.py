"""Bodies of the alerts API, in and out (B25, X29)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from django.core.validators import RegexValidator
from rest_framework import serializers

from apps.health.models import (
    LONGEST_MESSAGE,
    LONGEST_TARGET,
    LONGEST_TITLE,
    LONGEST_TYPE,
    AlertStatus,
    ChannelKind,
    MessageStatus,
    Severity,
)
from tenlyr.core.api.serializers import (
    NOT_PLAIN,
    IdField,
    MomentField,
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictEmailField,
    WireSerializer,
    is_plain,
)

TYPE = RegexValidator(
    r"^[a-z][a-z0-9]*([._-][a-z0-9]+)*$", "Must be lower-case words with dots or dashes between."
)
TITLE = RegexValidator(
    rf"^[^\s{NOT_PLAIN}]([^{NOT_PLAIN}]*[^\s{NOT_PLAIN}])?$",
    "Must begin and end with a visible character.",
)
PLAIN = RegexValidator(rf"^[^{NOT_PLAIN}]*$", "Contains a character that is not allowed.")
MOST_METADATA_BYTES = 8_192
# What every reader of JSON takes for the number that was sent.
LARGEST_NUMBER = 2**53
STATUSES = [one.value for one in AlertStatus]
SEVERITIES = [one.value for one in Severity]
KINDS = [one.value for one in ChannelKind]
SENT = [one.value for one in MessageStatus]


class SeverityField(StrictChoiceField):
    """How bad it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=SEVERITIES, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return Severity(super().to_internal_value(data))


class MetadataField(serializers.DictField):
    """A JSON object of the caller's own, kept as it is: at most 8 kB, numbers up to 2^53."""

    default_error_messages = {
        "not_plain": "Contains a character or a number that is not allowed.",
        "too_long": f"At most {MOST_METADATA_BYTES} bytes of JSON.",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            self.fail("not_a_dict", input_type=type(data).__name__)
        kept: dict[str, Any] = self._plain(data)
        if len(orjson.dumps(kept)) > MOST_METADATA_BYTES:
            self.fail("too_long")
        return kept

    def _plain(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {self._plain(name): self._plain(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._plain(inner) for inner in value]
        if isinstance(value, str) and not is_plain(value.replace("\n", "")):
            self.fail("not_plain")
        if isinstance(value, Decimal):
            value = float(value)
        if isinstance(value, int | float) and abs(value) > LARGEST_NUMBER:
            self.fail("not_plain")
        return value


class CreateAlertSerializer(WireSerializer):
    """The body of `alerts.create`."""

    tenant_id = IdField()
    type = StrictCharField(
        max_length=LONGEST_TYPE,
        trim_whitespace=False,
        validators=[TYPE],
        help_text="One of a type is open for a tenant at a time; a repeat counts on it.",
    )
    severity = SeverityField()
    title = StrictCharField(max_length=LONGEST_TITLE, trim_whitespace=False, validators=[TITLE])
    message = StrictCharField(
        max_length=LONGEST_MESSAGE, trim_whitespace=False, allow_blank=True, validators=[PLAIN]
    )
    metadata = MetadataField(required=False)


class AlertSerializer(WireSerializer):
    """An alert as every answer shows it."""

    id = serializers.UUIDField()
    tenant_id = serializers.UUIDField(
        allow_null=True, help_text="Null where it concerns the workspace."
    )
    type = serializers.CharField()
    severity = serializers.ChoiceField(
        choices=SEVERITIES, help_text="The worst so far: it does not fall while the alert is open."
    )
    title = serializers.CharField()
    message = serializers.CharField()
    metadata = serializers.DictField()
    count = serializers.IntegerField(help_text="How often it happened since it was opened.")
    status = serializers.ChoiceField(choices=STATUSES)
    created_at = MomentField()
    last_at = MomentField(help_text="When it happened last.")
    resolved_at = MomentField(allow_null=True)
    resolved_by = serializers.CharField(
        allow_null=True,
        help_text="`admin_key`, `tenant_key`, `operator`, or `system` where its reason is over.",
    )


class ResolvedSerializer(WireSerializer):
    """How many were resolved."""

    resolved = serializers.IntegerField()


class TargetField(StrictCharField):
    """Where a channel leads: an address of the channel's kind."""

    def __init__(self, **kwargs: Any) -> None:
        given = {"max_length": LONGEST_TARGET, "trim_whitespace": False, **kwargs}
        super().__init__(validators=[PLAIN], **given)


class CreateChannelSerializer(WireSerializer):
    """The body of `alerts.createChannel`."""

    kind = StrictChoiceField(choices=KINDS)
    target = TargetField(
        help_text="A URL for `webhook`, an incoming webhook's URL for `slack`, an e-mail address."
    )
    min_severity = SeverityField(default=Severity.WARNING)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An e-mail address must be one; URLs are the guard's matter."""
        kind = ChannelKind(attrs["kind"])
        check_target(kind, attrs["target"])
        return {**attrs, "kind": kind}


class UpdateChannelSerializer(WireSerializer):
    """The body of `alerts.updateChannel`."""

    target = TargetField(required=False)
    min_severity = SeverityField(required=False)
    enabled = StrictBooleanField(required=False)


class ChannelSerializer(WireSerializer):
    """A channel as every answer shows it."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=KINDS)
    target = serializers.CharField(
        source="shown", help_text="Without what is secret: of a chat's address the host only."
    )
    min_severity = serializers.ChoiceField(choices=SEVERITIES)
    enabled = serializers.BooleanField(source="is_enabled")
    last_sent_at = MomentField(allow_null=True)
    last_error = serializers.CharField(
        allow_null=True, help_text="Why the last message was not taken; null once one was."
    )
    created_at = MomentField()


class CreatedChannelSerializer(WireSerializer):
    """A new channel with its signing secret: the only time it is shown."""

    channel = ChannelSerializer()
    secret = serializers.CharField(allow_null=True, help_text="Of a webhook; null for the others.")


class ChannelPageSerializer(WireSerializer):
    """A page of channels, the newest first."""

    data = ChannelSerializer(many=True)  # type: ignore[assignment]  # the documents' name (B2)
    next_cursor = serializers.CharField(allow_null=True, help_text="Null on the last page.")


class MessageSerializer(WireSerializer):
    """What a channel was sent, or is to be."""

    id = serializers.UUIDField()
    test = serializers.BooleanField(source="is_test")
    status = serializers.ChoiceField(choices=SENT)
    attempts = serializers.IntegerField()
    error = serializers.CharField(allow_null=True)
    created_at = MomentField()
    finished_at = MomentField(allow_null=True)


class MessagePageSerializer(WireSerializer):
    """A page of messages, the newest first."""

    data = MessageSerializer(many=True)  # type: ignore[assignment]  # the documents' name (B2)
    next_cursor = serializers.CharField(allow_null=True, help_text="Null on the last page.")


def check_target(kind: ChannelKind, target: str) -> None:
    """Raise a 422 for a target that no channel of the kind could have."""
    if kind is not ChannelKind.EMAIL:
        return
    try:
        StrictEmailField().run_validation(target)
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"target": error.detail}) from error
