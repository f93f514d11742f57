"""What schemathesis is told about time: an event's moment must lie in the last 35 days.

The document says so in words only; a moment that is valid otherwise becomes the present one.
"""

from datetime import UTC, datetime
from typing import Any

import schemathesis


def _present(event: Any) -> None:
    if isinstance(event, dict) and isinstance(event.get("timestamp"), str):
        try:
            datetime.fromisoformat(event["timestamp"])
        except ValueError:
            return
        event["timestamp"] = datetime.now(UTC).isoformat()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Move events into the window that is accepted."""
    for event in case.body if isinstance(case.body, list) else [case.body]:
        _present(event)
