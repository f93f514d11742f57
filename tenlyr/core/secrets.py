"""Secrets: keys derived from the one master secret, and values encrypted at rest with it."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


class CannotDecrypt(Exception):
    """The value was sealed with another secret, for another place, or was changed since."""


def derive(master: str, purpose: str, *, also: bytes = b"", length: int = 32) -> bytes:
    """A key for one purpose. `also` mixes in something only the caller knows (X23)."""
    kdf = HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=purpose.encode())
    return kdf.derive(master.encode() + also)


def _master() -> str:
    # Read late: the settings module itself derives the roles' passwords with `derive`.
    from django.conf import settings

    return settings.SECRET_KEY


def seal(plain: bytes, *, place: str, also: bytes = b"") -> bytes:
    """Encrypt (AES-256-GCM). `place` names table and column: a value moved elsewhere will not
    open.
    """
    nonce = os.urandom(NONCE_BYTES)
    key = derive(_master(), "seal", also=also)
    return nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def unseal(sealed: bytes, *, place: str, also: bytes = b"") -> bytes:
    """Undo `seal`; raises `CannotDecrypt` rather than answer with a changed value."""
    key = derive(_master(), "seal", also=also)
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode())
    except (InvalidTag, ValueError) as error:
        raise CannotDecrypt(place) from error
