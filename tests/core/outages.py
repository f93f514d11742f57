"""Real outages, short ones: a server's address is exchanged for one where nobody listens."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections

from tenlyr.core import redis


def dead_port() -> int:
    """A port on which nobody listens: the system just gave it to us, and we closed it again."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _reconnect_redis() -> None:
    redis.client().close()
    redis.client.cache_clear()
    if redis._lane.wire is not None:
        redis._lane.wire.close()
        redis._lane.wire = None


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
