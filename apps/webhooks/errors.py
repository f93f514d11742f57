"""What a caller can meet at the webhooks."""

from tenlyr.core.errors import Conflict, Forbidden, NotFound, Refused


class EndpointNotFound(NotFound):
    message = "Endpoint not found"


class DeliveryNotFound(NotFound):
    message = "Delivery not found"


class TooManyEndpoints(Forbidden):
    """Details: limit."""

    code = "endpoint_limit_exceeded"
    message = "There are as many endpoints as there may be."


class EndpointNotEnabled(Conflict):
    code = "endpoint_not_enabled"
    message = "The endpoint is paused or disabled: enable it first."


class EventGone(Conflict):
    code = "event_gone"
    message = "The event was removed with its tenant's data."


class ReplayTooLarge(Refused):
    """Details: limit. Nothing was replayed."""

    code = "replay_too_large"
    message = "The range holds more events than one call replays: narrow it."
