"""The one door to Redis: the client, its time-outs, and every key's name.

Keys that one script touches share the hash tag `{shard}`, so that they also live together on a
cluster.
"""

import asyncio
import builtins
import select
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any
from uuid import UUID
from zlib import crc32

import hiredis
import redis
import redis.asyncio
from django.conf import settings
from redis.exceptions import ConnectionError as ConnectionError
from redis.exceptions import NoScriptError as NoScriptError
from redis.exceptions import RedisError as RedisError
from redis.exceptions import ResponseError as ResponseError
from redis.exceptions import TimeoutError as TimeoutError

SHARDS = 64
READ_BYTES = 65_536
# A connection idle for longer is looked at before it is used: the server may have been restarted.
IDLE_S = 0.1
_MORE = object()
# How code that awaits asks Redis: `blocking` here, or `pipelining.command` on an event loop.
Ask = Callable[..., Awaitable[object]]


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


@cache
def _pool_on_loop() -> Any:
    """How an event loop connects; the pool itself stays empty."""
    return redis.asyncio.ConnectionPool.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=min(settings.REDIS_TIMEOUT_S, 0.5),
        socket_timeout=settings.REDIS_TIMEOUT_S,
        protocol=2,
    )


async def connected() -> asyncio.StreamWriter:
    """A connection of the running event loop, logged in and nobody else's; raises `RedisError`."""
    pool = _pool_on_loop()
    connection: Any = pool.connection_class(**pool.connection_kwargs)
    await connection.connect()
    writer: asyncio.StreamWriter = connection._writer
    # It would hang up when it is collected.
    connection._reader = connection._writer = None
    return writer


class _Wire:
    """A connection with nothing between the caller and its socket: half of redis-py's CPU."""

    def __init__(self) -> None:
        # Not the pool's `make_connection`: it counts what it makes and, after a hundred lost
        # connections, makes no more.
        pool = client().connection_pool
        self._connection = pool.connection_class(**pool.connection_kwargs)
        self._connection.connect()
        self._socket = self._connection._sock
        # Time-outs kept by the kernel: Python's own cost a call of poll() before each read and
        # write.
        limit = struct.pack("@ll", *divmod(int(settings.REDIS_TIMEOUT_S * 1e6), 1_000_000))
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self._reader = hiredis.Reader(replyError=reply_error, notEnoughData=_MORE)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._used = time.monotonic()

    def ask(self, args: tuple[bytes | str | int, ...]) -> object:
        """Send a command and wait for its answer; raises `OSError` when the server is away."""
        self._socket.sendall(hiredis.pack_command(args))  # type: ignore[arg-type]
        while (answer := self._reader.gets()) is _MORE:
            received = self._socket.recv(READ_BYTES)
            if not received:
                raise ConnectionResetError("Redis closed the connection")
            self._reader.feed(received)
        self._used = time.monotonic()
        return answer

    def is_stale(self) -> bool:
        """Whether the server hung up while nobody asked: nothing was sent, so asking anew is
        safe.
        """
        return time.monotonic() - self._used > IDLE_S and bool(self._poll.poll(0))

    def close(self) -> None:
        self._connection.disconnect()


class _Lane(threading.local):
    wire: _Wire | None = None


_lane = _Lane()


def command(*args: bytes | str | int) -> object:
    """One command on this thread's own connection: the hot path's way, without pool or retries.

    Raises `RedisError`. A broken connection is dropped, never reused: its answer could belong to
    an earlier question.
    """
    wire = _lane.wire
    try:
        if wire is None or wire.is_stale():
            wire = _lane.wire = _Wire()
        answer = wire.ask(args)
    except BaseException as error:
        _lane.wire = None
        if wire is not None:
            wire.close()
        if isinstance(error, builtins.TimeoutError | BlockingIOError):
            raise TimeoutError("Redis did not answer in time") from error
        if isinstance(error, OSError):
            raise ConnectionError(str(error)) from error
        raise
    if isinstance(answer, ResponseError):
        raise answer
    return answer


async def blocking(*args: bytes | str | int) -> object:
    """`command` for code that awaits, where a thread of its own may wait."""
    return command(*args)


def reply_error(text: str) -> ResponseError:
    """The exception behind an error reply."""
    return NoScriptError(text) if text.startswith("NOSCRIPT") else ResponseError(text)


def shard_of(tenant_id: UUID) -> int:
    """The shard of a tenant's stream and counters (X12); never changes."""
    return crc32(tenant_id.bytes) % SHARDS


def stream(shard: int) -> str:
    """Accepted events that Postgres does not hold yet."""
    return f"stream:{{{shard}}}"


def ready(shard: int) -> str:
    """A hash (epoch, generation), there while the shard's counters can be trusted.

    A Redis that lost its data lacks it.
    """
    return f"ready:{{{shard}}}"


def lease(shard: int) -> str:
    """Which consumer reads the shard."""
    return f"lease:{{{shard}}}"


def usage(shard: int, tenant_id: UUID, metric: str, period: str) -> str:
    """A counter; `period` is `yyyymm`, or `level` for a gauge."""
    return f"usage:{{{shard}}}:{tenant_id}:{metric}:{period}"


def seen(shard: int) -> str:
    """Prefix of the hashes that remember event ids; a generation's number makes it a key."""
    return f"seen:{{{shard}}}:"


def quiet(shard: int) -> str:
    """Since when (epoch ms) the remembered ids age: their last change of generation, or stall."""
    return f"quiet:{{{shard}}}"


def finished(shard: int) -> str:
    """Up to which stream entry the shard's stored entries were trimmed and corrected."""
    return f"finished:{{{shard}}}"


def throttle(shard: int, tenant_id: UUID) -> str:
    """The throttle's state of a tenant."""
    return f"throttle:{{{shard}}}:{tenant_id}"


def principal(digest: bytes) -> str:
    """The cached principal behind a key's digest."""
    return f"key:{digest.hex()}"


def failures(address: str) -> str:
    """Failed authentications of an address in the last minute."""
    return f"authfail:{address}"


def api_calls(key_id: UUID) -> str:
    """The last minute's calls of a key to the management API."""
    return f"api:{key_id}"


def consumers() -> str:
    """Consumers alive, by the time of their last sign of life."""
    return "consumers"


def last_active() -> str:
    """Tenants' last authenticated call, until it is written to Postgres (X46)."""
    return "last_active"
