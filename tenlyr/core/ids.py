"""Identifiers: time-ordered UUIDs (version 7), made here so that index pages stay warm."""

import itertools
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION = 0x7 << 76
_VARIANT = 0x2 << 62
_RAND_A = (1 << 12) - 1
_RAND_B = (1 << 62) - 1


def uuid7_int() -> int:
    """A version 7 UUID as an integer: 48 bits of milliseconds, 74 random ones."""
    random = int.from_bytes(os.urandom(10))
    return (
        (time.time_ns() // 1_000_000) << 80
        | _VERSION
        | ((random >> 62) & _RAND_A) << 64
        | _VARIANT
        | random & _RAND_B
    )


def uuid7() -> UUID:
    """A version 7 UUID."""
    return UUID(int=uuid7_int())


class _RequestIds(threading.local):
    """A thread's next request ids: a random beginning and a number, a fraction of a UUID's cost."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.head = f"req_{os.urandom(10).hex()}"
        self.numbers = itertools.count(1)


_request_ids = _RequestIds()


def request_id() -> str:
    """An id for a request that brought none, like no other one."""
    if _request_ids.process != os.getpid():  # forked: the parent goes on with this beginning
        _request_ids.__init__()  # type: ignore[misc]
    return f"{_request_ids.head}_{next(_request_ids.numbers):x}"


def event_id() -> str:
    """`evt_` and 26 characters of Crockford's base 32, in order of time (E5)."""
    return _event_id(uuid7_int())


def event_ids_from(moment: datetime) -> str:
    """What no id of an event made since then (to the millisecond) sorts before, and each earlier
    one does.
    """
    return _event_id((moment - EPOCH) // timedelta(milliseconds=1) << 80)


def _event_id(number: int) -> str:
    letters = ""
    for _ in range(26):
        letters = CROCKFORD[number & 31] + letters
        number >>= 5
    return f"evt_{letters}"
