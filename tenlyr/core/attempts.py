"""Failed authentications: counted per address, so that guessing costs the guesser more than us
(T02).
"""

import threading
import time

from tenlyr.core import errors, redis

MOST_PER_MINUTE = 20
UNKNOWN_FOR_S = 10.0
MOST_REMEMBERED = 10_000

_lock = threading.Lock()
_unknown: dict[bytes, float] = {}
_local: dict[tuple[str, int], int] = {}


def refuse_if_too_many(digest: bytes, address: str) -> None:
    """Before Postgres is asked: raise `RateLimited` for a busy address, 401 for a key just
    refused.
    """
    if _failures(address) >= MOST_PER_MINUTE:
        raise errors.RateLimited("Too many failed attempts from this address.", retry_after=60)
    if _unknown.get(digest, 0) > time.monotonic():
        count_failure(digest, address)
        raise errors.AuthenticationFailed(internal="unknown a moment ago")


def count_failure(digest: bytes, address: str) -> None:
    """Remember the key for ten seconds and the failure for a minute."""
    with _lock:
        if len(_unknown) >= MOST_REMEMBERED:
            _unknown.clear()
        _unknown[digest] = time.monotonic() + UNKNOWN_FOR_S
    try:
        pipe = redis.client().pipeline()
        pipe.incr(redis.failures(address)).expire(redis.failures(address), 60, nx=True).execute()
    except redis.RedisError:
        _count_here(address)


def _minute(address: str) -> tuple[str, int]:
    return address, int(time.monotonic() // 60)


def _count_here(address: str) -> None:
    """Without Redis each process counts for itself."""
    with _lock:
        if len(_local) >= MOST_REMEMBERED:
            _local.clear()
        key = _minute(address)
        _local[key] = _local.get(key, 0) + 1


def _failures(address: str) -> int:
    try:
        value = redis.client().get(redis.failures(address))
    except redis.RedisError:
        return _local.get(_minute(address), 0)
    return int(value) if isinstance(value, bytes) else 0
