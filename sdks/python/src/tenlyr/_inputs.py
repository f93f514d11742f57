"""What methods are given that has fields of its own."""

import uuid
from typing import Any, Dict, Optional, TypedDict

from tenlyr._answers import camel
from tenlyr._calls import When
from tenlyr._enums import UsageMetric, UsageMode


class _Counted(TypedDict):
    metric: UsageMetric
    value: float


class TrackEvent(_Counted, total=False):
    """One event of a batch. `metric` and `value` must be there; for all see `usage.track`."""

    endpoint: Optional[str]
    status_code: Optional[int]
    success: Optional[bool]
    latency_ms: Optional[float]
    timestamp: Optional[When]
    id: Optional[str]
    mode: Optional[UsageMode]


def wire_event(event: TrackEvent) -> Dict[str, Any]:
    """An event with the names of the wire."""
    return {camel(name): value for name, value in event.items()}


def new_id() -> str:
    """An id that no other event or call has."""
    return str(uuid.uuid4())
