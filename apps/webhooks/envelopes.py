"""The body of an event: the same bytes at every attempt, from any process (E5, X34)."""

from datetime import datetime
from typing import Any

import orjson

from tenlyr.core import clock

# Longer ones are cut to what names their subject: the rest is had over the API.
MOST_BYTES = 262_144


def body(event_id: str, kind: str, created_at: datetime, data: dict[str, Any]) -> bytes:
    """The envelope in JSON; of data that is too long only the short values, and `isCut`."""
    whole = _dump(event_id, kind, created_at, data)
    if len(whole) <= MOST_BYTES:
        return whole
    short = {name: value for name, value in data.items() if len(orjson.dumps(value)) <= 1_024}
    return _dump(event_id, kind, created_at, {**dict(list(short.items())[:64]), "isCut": True})


def _dump(event_id: str, kind: str, created_at: datetime, data: dict[str, Any]) -> bytes:
    return orjson.dumps(
        {"id": event_id, "type": kind, "createdAt": clock.iso(created_at), "data": data}
    )
