"""What is known of the request at hand, for logs and the audit trail. Never a tenant's context."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class RequestContext:
    """The request's id and origin, and who made it once that is known."""

    request_id: str = ""
    address: str = ""
    user_agent: str = ""
    actor_type: str = "system"
    actor_id: str = ""
    # What the answer's headers tell, whatever it will be.
    answer_headers: Mapping[str, str] | None = None


_current: ContextVar[RequestContext | None] = ContextVar("tenlyr_request", default=None)


def current() -> RequestContext:
    """The context; outside a request an empty one, whose actor is the system."""
    return _current.get() or RequestContext()


def begin(context: RequestContext) -> None:
    """Start a request's (or task's) context in this thread."""
    _current.set(context)
