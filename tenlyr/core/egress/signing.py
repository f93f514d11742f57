"""Signing what leaves, in the two ways that receivers' libraries know (E6, X33), pure."""

import base64
import hmac
import os
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A new signing secret: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def headers(secrets: Sequence[str], event_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """The headers that prove who sent `body` at `at`: a signature by each of the secrets, of which
    there are two while one takes the other's place.

    `Tenlyr-Signature` is keyed with the secret as it stands, as Stripe does; the Standard Webhooks
    trio with the bytes it encodes, as their libraries do.
    """
    seconds = str(int(at.timestamp()))
    ours = [f"v1={_ours(secret, seconds, body)}" for secret in secrets]
    standard = [f"v1,{_standard(secret, event_id, seconds, body)}" for secret in secrets]
    return {
        "Tenlyr-Signature": ",".join([f"t={seconds}", *ours]),
        "webhook-id": event_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(standard),
    }


def _ours(secret: str, seconds: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), seconds.encode() + b"." + body, "sha256").hex()


def _standard(secret: str, event_id: str, seconds: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    signed = f"{event_id}.{seconds}.".encode() + body
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
