"""Identifiers: time-ordered UUIDs (version 7), made here so that index pages stay warm."""

import os
import time
from uuid import UUID

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
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


def event_id() -> str:
    """`evt_` and 26 characters of Crockford's base 32, in order of time (E5)."""
    number, letters = uuid7_int(), ""
    for _ in range(26):
        letters = CROCKFORD[number & 31] + letters
        number >>= 5
    return f"evt_{letters}"
