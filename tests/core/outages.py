"""Real outages, short ones: a server's address is exchanged for one where nobody listens."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connections

from tenlyr.core import pipelining, redis


@cache
def dead_port() -> int:
    """A port on which nobody listens, and nobody can: this process has it until it ends."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    port = int(taken.getsockname()[1])
    taken.detach()
    return port


def _reconnect_redis() -> None:
    redis.client().close()
    redis.client.cache_clear()
    if redis._lane.wire is not None:
        redis._lane.wire.close()
        redis._lane.wire = None
    redis._pool_on_loop.cache_clear()
    for door in pipelining._doors.values():
        if door.wire is not None:
            door.wire._transport.abort()
            door.wire = None


async def hang_up() -> None:
    """Close the running loop's connection to Redis, as a loop that ends must."""
    door = pipelining._doors.pop(asyncio.get_running_loop(), None)
    if door is not None and door.wire is not None:
        door.wire._transport.close()
        await asyncio.sleep(0)


@contextmanager
def redis_away() -> Iterator[None]:
    """Every connection to Redis is refused."""
    before = settings.REDIS_URL
    settings.REDIS_URL = f"redis://127.0.0.1:{dead_port()}/0"
    _reconnect_redis()
    try:
        yield
    finally:
        settings.REDIS_URL = before
        _reconnect_redis()


@contextmanager
def postgres_away(alias: str = "default") -> Iterator[None]:
    """Every connection of `alias` is refused."""
    wrapper: Any = connections[alias]
    before = wrapper.settings_dict["PORT"]
    wrapper.close()
    wrapper.settings_dict["PORT"] = str(dead_port())
    try:
        yield
    finally:
        wrapper.settings_dict["PORT"] = before
        wrapper.close()
