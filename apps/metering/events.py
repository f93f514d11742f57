"""A usage event, as it is counted, stored and shown (A17, X3)."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from msgspec import Struct

from tenlyr.core.metrics import Metric, from_counter

UNBILLABLE_FROM = 500


class Event(Struct, gc=False):
    """One event. `units` is its value in counter units, `ts_ms` its own time in epoch milliseconds.

    `has_given_id` says that the client named the event, so that a resend can be told; `mode` is
    None where none was given. An unbillable event is stored, but counts towards nothing (X5).
    """

    id: bytes
    has_given_id: bool
    ts_ms: int
    metric: str
    units: int
    mode: str | None = None
    endpoint: str | None = None
    status_code: int | None = None
    success: bool | None = None
    latency_ms: float | None = None
    billable: bool = True


@lru_cache(maxsize=1_024)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def iso(ts_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds and `Z` (E5)."""
    seconds, rest = divmod(ts_ms, 1000)
    return f"{_second(seconds)}.{rest:03d}Z"


def uuid_text(raw: bytes) -> str:
    """The canonical text of a UUID's 16 bytes."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def plain(number: float) -> float | int:
    """A number as the wire has it: whole ones as integers."""
    return int(number) if number.is_integer() else number


def shown(tenant_id: UUID, event: Event) -> dict[str, Any]:
    """The event in wire casing; what was not given is left out, but for `endpoint` (A17)."""
    wire: dict[str, Any] = {
        "id": uuid_text(event.id),
        "tenantId": str(tenant_id),
        "metric": event.metric,
        "value": from_counter(Metric(event.metric), event.units),
        "endpoint": event.endpoint,
        "timestamp": iso(event.ts_ms),
    }
    if event.mode is not None:
        wire["mode"] = event.mode
    if event.status_code is not None:
        wire["statusCode"] = event.status_code
        wire["billable"] = event.billable
    if event.success is not None:
        wire["success"] = event.success
    if event.latency_ms is not None:
        wire["latencyMs"] = plain(event.latency_ms)
    return wire
