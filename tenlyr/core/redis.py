"""The one door to Redis: the client, its time-outs, and every key's name.

Keys that one script touches share the hash tag `{shard}`, so that they also live together on a
cluster.
"""

import threading
from functools import cache
from typing import Any
from uuid import UUID
from zlib import crc32

import redis
from django.conf import settings
from redis.exceptions import RedisError as RedisError
from redis.exceptions import ResponseError as ResponseError

SHARDS = 64


@cache
def client() -> Any:
    """The process's client. It raises `RedisError` when Redis is away, within `REDIS_TIMEOUT_S`."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=min(settings.REDIS_TIMEOUT_S, 0.5),
        socket_timeout=settings.REDIS_TIMEOUT_S,
        health_check_interval=0,
        protocol=2,
    )


class _Lane(threading.local):
    connection: Any = None


_lane = _Lane()


def command(*args: bytes | str | int) -> object:
    """One command on this thread's own connection: the hot path's way, without pool or retries.

    Raises `RedisError`. A broken connection is dropped, never reused: its answer could belong to
    an earlier question.
    """
    connection = _lane.connection
    if connection is None:
        connection = _lane.connection = client().connection_pool.make_connection()
    try:
        connection.send_packed_command(connection.pack_command(*args), check_health=False)
        return connection.read_response()
    except ResponseError:
        raise
    except BaseException:
        _lane.connection = None
        connection.disconnect()
        raise


def shard_of(tenant_id: UUID) -> int:
    """The shard of a tenant's stream and counters (X12); never changes."""
    return crc32(tenant_id.bytes) % SHARDS


def stream(shard: int) -> str:
    """Accepted events that Postgres does not hold yet."""
    return f"stream:{{{shard}}}"


def ready(shard: int) -> str:
    """Present while the shard's counters can be trusted; a Redis that lost its data lacks it."""
    return f"ready:{{{shard}}}"


def lease(shard: int) -> str:
    """Which consumer reads the shard."""
    return f"lease:{{{shard}}}"


def usage(shard: int, tenant_id: UUID, metric: str, period: str) -> str:
    """A counter; `period` is `yyyymm`, or `level` for a gauge."""
    return f"usage:{{{shard}}}:{tenant_id}:{metric}:{period}"


def seen(shard: int, tenant_id: UUID) -> str:
    """Prefix of the keys that remember a tenant's event ids."""
    return f"seen:{{{shard}}}:{tenant_id}:"


def throttle(shard: int, tenant_id: UUID) -> str:
    """The throttle's state of a tenant."""
    return f"throttle:{{{shard}}}:{tenant_id}"


def principal(digest: bytes) -> str:
    """The cached principal behind a key's digest."""
    return f"key:{digest.hex()}"


def failures(address: str) -> str:
    """Failed authentications of an address in the last minute."""
    return f"authfail:{address}"


def consumers() -> str:
    """Consumers alive, by the time of their last sign of life."""
    return "consumers"


def last_active() -> str:
    """Tenants' last authenticated call, until it is written to Postgres (X46)."""
    return "last_active"
