"""Signatures of deliveries, as Stripe makes them and as Standard Webhooks does (E6, X33)."""

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """`whsec_` and the base64 of 32 random bytes: what both kinds of verifier take."""
    return PREFIX + b64encode(os.urandom(SECRET_BYTES)).decode()


def headers(secrets: Sequence[str], event_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """The headers that sign a body at a moment, with a signature by each of the secrets.

    `Tenlyr-Signature` is keyed with the secret as it stands, `webhook-signature` with the bytes
    that it encodes. Verifiers refuse what is older than 300 s: sign each attempt anew.
    """
    seconds = int(at.timestamp())
    stripe = [f"v1={_stripe(secret, seconds, body)}" for secret in secrets]
    standard = [f"v1,{_standard(secret, event_id, seconds, body)}" for secret in secrets]
    return {
        "Tenlyr-Signature": ",".join([f"t={seconds}", *stripe]),
        "webhook-id": event_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(standard),
    }


def _stripe(secret: str, seconds: int, body: bytes) -> str:
    signed = f"{seconds}.".encode() + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _standard(secret: str, event_id: str, seconds: int, body: bytes) -> str:
    key = b64decode(secret.removeprefix(PREFIX), validate=True)
    signed = f"{event_id}.{seconds}.".encode() + body
    return b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
