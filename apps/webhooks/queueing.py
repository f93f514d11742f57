"""The queue as SQL: which endpoints have work, and the beginning of deliveries that are due."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from apps.webhooks import statements
from apps.webhooks.models import Endpoint
from apps.webhooks.receivers import Job


def waiting() -> dict[UUID, datetime]:
    """Endpoints with pending deliveries, each with the time at which its first one is due."""
    return dict(statements.rows(statements.text_of("waiting")))


def begin(
    rooms: Mapping[UUID, int], endpoints: Mapping[UUID, Endpoint], busy: list[UUID], now: datetime
) -> list[Job]:
    """Begin as many deliveries that are due as each endpoint has room for, in their order."""
    if not rooms:
        return []
    given = {
        "endpoints": list(rooms),
        "rooms": list(rooms.values()),
        "is_ordered": [endpoints[one].is_ordered for one in rooms],
        "busy": busy,
        "now": now,
    }
    return [Job.read(row, now) for row in statements.rows(statements.text_of("claim"), given)]
