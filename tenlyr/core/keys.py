"""API keys: their format, their digest and their slow hash (A4, A5, A12, X8).

A key is a type prefix, 40 random base62 characters and a checksum of 6, so that scanners and SDKs
can tell a key from garbage offline. Postgres holds a keyed digest to find it and an argon2id hash
beside it.
"""

import hmac
import re
import secrets as random
import string
from enum import StrEnum
from functools import cache
from zlib import crc32

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from django.conf import settings

from tenlyr.core import secrets

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_CHARACTERS = 40
CHECKSUM_CHARACTERS = 6
DISPLAY_CHARACTERS = 16
# The key is random: the hash need not be slow, only one-way (about 3 ms).
HASHER = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1)
FORMAT = re.compile(r"(tenlyr_(?:live|test)_(tf_)?[0-9A-Za-z]{40})([0-9A-Za-z]{6})", re.ASCII)


class Kind(StrEnum):
    """What a key opens: a whole workspace, or one tenant."""

    ADMIN = "admin"
    TENANT = "tenant"


PREFIX = {Kind.ADMIN: "tenlyr_live_tf_", Kind.TENANT: "tenlyr_live_"}


def checksum(text: str) -> str:
    """CRC32 of `text` in six base62 characters."""
    number, letters = crc32(text.encode()), ""
    for _ in range(CHECKSUM_CHARACTERS):
        number, digit = divmod(number, 62)
        letters = ALPHABET[digit] + letters
    return letters


def generate(kind: Kind) -> str:
    """A new raw key: shown to its owner once and kept nowhere."""
    body = PREFIX[kind] + "".join(random.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return body + checksum(body)


def kind_of(raw: str) -> Kind | None:
    """The kind of a well-formed key; None for anything else, without any lookup."""
    match = FORMAT.fullmatch(raw)
    if not match or not hmac.compare_digest(checksum(match[1]), match[3]):
        return None
    return Kind.ADMIN if match[2] else Kind.TENANT


def display_prefix(raw: str) -> str:
    """The first 16 characters, for people to tell keys apart; never used to find one."""
    return raw[:DISPLAY_CHARACTERS]


@cache
def _pepper() -> bytes:
    return secrets.derive(settings.SECRET_KEY, "api key pepper")


def digest(raw: str) -> bytes:
    """The keyed digest under which a key is found (HMAC-SHA256 with the pepper)."""
    return hmac.digest(_pepper(), raw.encode(), "sha256")


def slow_hash(raw: str) -> str:
    """The argon2id hash that is stored beside the digest."""
    return HASHER.hash(raw)


def verify(stored: str, raw: str) -> bool:
    """Whether `raw` is the key behind the stored hash."""
    try:
        return HASHER.verify(stored, raw)
    except (VerificationError, InvalidHashError):
        return False
