"""What waits in the broker."""

import json
from datetime import datetime
from typing import Any

from tenlyr.core import clock, redis


def waiting(argument: Any, queue: str = "celery") -> list[tuple[str, float | None]]:
    """The messages with this argument: the task of each, and seconds until it expires."""
    found = []
    for raw in reversed(redis.client().lrange(queue, 0, -1)):
        headers = json.loads(raw)["headers"]
        if str(argument) in headers["argsrepr"]:
            expires = headers["expires"]
            left = expires and (datetime.fromisoformat(expires) - clock.now()).total_seconds()
            found.append((headers["task"], left))
    return found
