"""What the document says in words only: an event's moment lies in the last 35 days, storage has
6 decimals at most, a whole number is written without any. What is valid otherwise is brought there.
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


def _rounded(event: Any) -> None:
    if not isinstance(event, dict):
        return
    status, value = event.get("statusCode"), event.get("value")
    if isinstance(status, float) and status.is_integer():
        event["statusCode"] = int(status)
    if event.get("metric") == "storage_gb" and isinstance(value, float) and value > 0:
        event["value"] = max(round(value, 6), 0.000001)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Move events to where they are accepted."""
    for event in case.body if isinstance(case.body, list) else [case.body]:
        _present(event)
        _rounded(event)
