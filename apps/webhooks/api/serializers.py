"""Bodies of the webhooks API, in and out."""

from datetime import datetime
from typing import Any

from django.core.validators import RegexValidator
from rest_framework import serializers

from apps.webhooks.endpoints import ALL
from apps.webhooks.models import Delivery, Endpoint
from tenlyr.core.api.serializers import (
    NOT_PLAIN,
    IdField,
    MomentField,
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictMomentField,
    WireSerializer,
)
from tenlyr.core.egress.guard import LONGEST_URL
from tenlyr.core.egress.replies import Outcome
from tenlyr.core.events import Audience, EventType

ENDPOINT_STATUSES = [status.value for status in Endpoint.Status]
DELIVERY_STATUSES = [status.value for status in Delivery.Status]
AUDIENCES = [audience.value for audience in Audience]
OUTCOMES = [outcome.value for outcome in Outcome]
TYPES = [kind.value for kind in EventType]
# What an endpoint may ask for: a test is sent by hand only.
WANTED = [ALL, *(kind for kind in TYPES if kind != EventType.WEBHOOK_TEST)]
LONGEST_DESCRIPTION = 200
PLAIN = RegexValidator(rf"^[^{NOT_PLAIN}]*$", "Contains a character that is not allowed.")


class UrlField(StrictCharField):
    """Where deliveries go: https, and no address of an inner network."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_URL, trim_whitespace=False, **kwargs)


class DescriptionField(StrictCharField):
    """A line for people."""

    def __init__(self, **kwargs: Any) -> None:
        given = {"max_length": LONGEST_DESCRIPTION, "allow_blank": True, **kwargs}
        super().__init__(trim_whitespace=False, validators=[PLAIN], **given)


class EventsField(serializers.ListField):
    """Types of events, or `*` alone for all of them, also those of later versions."""

    def __init__(self, **kwargs: Any) -> None:
        given = {"min_length": 1, "max_length": len(WANTED), **kwargs}
        super().__init__(child=StrictChoiceField(choices=WANTED), **given)

    def to_internal_value(self, data: Any) -> list[str]:
        names = super().to_internal_value(data)
        if ALL in names and len(names) > 1:
            raise serializers.ValidationError('"*" stands alone.', code="invalid")
        return sorted(set(names))


class CreateEndpointSerializer(WireSerializer):
    """The body of `webhooks.create`."""

    url = UrlField()
    description = DescriptionField(default="")
    events = EventsField(default=[ALL])
    ordered = StrictBooleanField(
        source="is_ordered",
        default=False,
        help_text="One event of a tenant after the other: each waits until the one before is"
        " delivered or given up.",
    )
    tenant_id = IdField(
        required=False,
        help_text="With an admin key only: an endpoint of this tenant, which hears of its events.",
    )


class UpdateEndpointSerializer(WireSerializer):
    """The body of `webhooks.update`."""

    url = UrlField(required=False)
    description = DescriptionField(required=False)
    events = EventsField(required=False)
    ordered = StrictBooleanField(source="is_ordered", required=False)


class EndpointSerializer(WireSerializer):
    """An endpoint as every answer shows it; never its secret."""

    id = serializers.UUIDField()
    tenant_id = serializers.UUIDField(
        allow_null=True, help_text="Null for the workspace's own, which hear of all its tenants."
    )
    url = serializers.CharField()
    description = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField())
    ordered = serializers.BooleanField(source="is_ordered")
    status = serializers.ChoiceField(
        choices=ENDPOINT_STATUSES,
        help_text="`paused`: what comes is kept until it is resumed; `disabled`: it failed for five"
        " days or answered 410, and hears nothing.",
    )
    disabled_reason = serializers.CharField(help_text="Empty unless it is disabled.")
    failing_since = MomentField(
        allow_null=True, help_text="The first failure with no success since."
    )
    previous_secret_until = MomentField(
        source="previous_until",
        allow_null=True,
        help_text="Until then deliveries are signed with the secret before the last rotation, too.",
    )
    created_at = MomentField()
    updated_at = MomentField()


class EndpointWithSecretSerializer(EndpointSerializer):
    """An endpoint with its new secret: the only time it is shown."""

    secret = serializers.CharField(help_text="`whsec_` and 32 bytes in base64.")


class EndpointPageSerializer(WireSerializer):
    """A page of endpoints, the newest first."""

    data = EndpointSerializer(many=True)  # type: ignore[assignment]  # as in every page
    next_cursor = serializers.CharField(allow_null=True, help_text="Null on the last page.")


class DeliverySerializer(WireSerializer):
    """One event on its way to one endpoint."""

    id = serializers.UUIDField()
    endpoint_id = serializers.UUIDField()
    event_id = serializers.CharField(help_text="The same at every attempt, replay and retry.")
    type = serializers.ChoiceField(choices=TYPES)
    tenant_id = serializers.UUIDField(allow_null=True, help_text="Whom the event is about.")
    status = serializers.ChoiceField(
        choices=DELIVERY_STATUSES,
        help_text="`failed`: tried for 72 hours; `cancelled`: its endpoint or its event is gone.",
    )
    attempt_count = serializers.IntegerField(source="attempts", help_text="How many were begun.")
    next_attempt_at = MomentField(source="next_at", allow_null=True)
    first_attempt_at = MomentField(source="first_at", allow_null=True)
    finished_at = MomentField(allow_null=True)
    is_test = serializers.BooleanField()
    is_replay = serializers.SerializerMethodField()
    event_created_at = MomentField(source="event_at")
    created_at = MomentField()

    def get_is_replay(self, delivery: Delivery) -> bool:
        """Whether it was asked for by a replay."""
        return delivery.replay > 0 and not delivery.is_test


class DeliveryPageSerializer(WireSerializer):
    """A page of deliveries, the newest first."""

    data = DeliverySerializer(many=True)  # type: ignore[assignment]  # as in every page
    next_cursor = serializers.CharField(allow_null=True, help_text="Null on the last page.")


class AttemptSerializer(WireSerializer):
    """One POST and what came back."""

    number = serializers.IntegerField()
    at = MomentField()
    outcome = serializers.CharField(
        allow_null=True,
        help_text=f"One of {', '.join(OUTCOMES)}, or `interrupted` (cut off with its process, sent"
        " again); null while it is under way.",
    )
    status_code = serializers.IntegerField(
        source="status", allow_null=True, help_text="What the receiver answered; null if nothing."
    )
    latency_ms = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(help_text="A sentence for people; empty where it was accepted.")
    request_headers = serializers.DictField(
        source="headers", child=serializers.CharField(), help_text="Signatures are cut."
    )
    response = serializers.CharField(help_text="The beginning of the answer's body, as text.")


class EnvelopeSerializer(WireSerializer):
    """An event as receivers get it (E5)."""

    id = serializers.CharField()
    type = serializers.ChoiceField(choices=TYPES)
    created_at = MomentField()
    data = serializers.DictField()  # type: ignore[assignment]  # the envelope's own name


class FullDeliverySerializer(DeliverySerializer):
    """A delivery with its event and every attempt."""

    event = EnvelopeSerializer(
        allow_null=True, help_text="Null once the tenant's events are purged."
    )
    attempts = AttemptSerializer(many=True, help_text="The first one first.")


class ReplaySerializer(WireSerializer):
    """The body of `webhooks.replay`."""

    endpoint_id = IdField()
    since = StrictMomentField(help_text="Events from this moment on.")
    until = StrictMomentField(help_text="Events before this moment.")
    types = serializers.ListField(
        child=StrictChoiceField(choices=WANTED[1:]),
        required=False,
        min_length=1,
        max_length=len(WANTED),
        help_text="Of those that the endpoint listens to, only these.",
    )
    only_undelivered = StrictBooleanField(
        default=False, help_text="Leave out what it has accepted before."
    )

    def validate(self, attrs: dict[str, datetime]) -> dict[str, datetime]:
        """The range goes forward."""
        if attrs["since"] >= attrs["until"]:
            detail = serializers.ErrorDetail("Must be after since.", code="invalid")
            raise serializers.ValidationError({"until": [detail]})
        return attrs


class ReplayedSerializer(WireSerializer):
    """What a replay set off."""

    queued = serializers.IntegerField(help_text="How many events are delivered again.")


class EventTypeSerializer(WireSerializer):
    """A type of event with an example of its whole envelope."""

    type = serializers.ChoiceField(choices=TYPES)
    description = serializers.CharField(help_text="When it is emitted.")
    audience = serializers.ChoiceField(
        choices=AUDIENCES,
        help_text="`tenant`: told to the workspace's endpoints and the tenant's own; `operators`:"
        " to the workspace's only.",
    )
    example = serializers.DictField()


class EventTypesSerializer(WireSerializer):
    """Every type of event."""

    data = EventTypeSerializer(many=True)  # type: ignore[assignment]  # as in every list
