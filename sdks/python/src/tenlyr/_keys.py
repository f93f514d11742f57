"""The form of an API key, checked before anything is sent."""

import re
import string
import zlib
from typing import Optional

from tenlyr._errors import AuthenticationError

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
FORM = re.compile(r"(tenlyr_(?:live|test)_(?:tf_)?[0-9A-Za-z]{40})([0-9A-Za-z]{6})", re.ASCII)


def is_well_formed(key: str) -> bool:
    """Whether a key can be one of Tenlyr's: prefix, 40 base62 characters and their checksum.

    It says nothing about whether the server knows it.
    """
    match = FORM.fullmatch(key)
    return match is not None and _checksum(match[1]) == match[2]


def checked(key: Optional[str]) -> str:
    """The key itself; AuthenticationError (401, `invalid_key`) when it cannot be one."""
    if key is None or not is_well_formed(key):
        raise AuthenticationError(
            "The API key is missing or malformed; nothing was sent.",
            status_code=401,
            code="invalid_key",
        )
    return key


def _checksum(text: str) -> str:
    """CRC-32 in six base62 characters."""
    number, letters = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        letters = ALPHABET[digit] + letters
    return letters
