"""Webhooks as a receiver meets them: is this one ours, unchanged, and recent?"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from typing import List, Mapping, NamedTuple, Optional, Union

from tenlyr._answers import decode
from tenlyr._errors import WebhookVerificationError
from tenlyr._types_platform import Envelope

__all__ = ["verify", "WebhookVerificationError"]

OURS, ID, AT, STANDARD = (
    "tenlyr-signature",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
)
SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


class _Signed(NamedTuple):
    """What a delivery claims: when it was signed, and signatures of which one must be `wanted`."""

    at: int
    wanted: bytes
    given: List[bytes]


def verify(
    payload: Union[bytes, str],
    header: Union[str, Mapping[str, str]],
    secret: str,
    *,
    tolerance_s: float = 300,
    now: Optional[float] = None,
) -> Envelope:
    """The event of a delivery, once it is known to be Tenlyr's.

    `payload` is the body as it came, before anything parsed it. `header` is the value of
    `Tenlyr-Signature`, or all headers of the request, whatever the case of their names: then those
    of Standard Webhooks will do, too. `secret` is the endpoint's, with its `whsec_`. `now` (seconds
    since 1970) is for tests.

    WebhookVerificationError says by its `code` why a delivery is refused: `missing` (no signature),
    `malformed`, `too_old`, `too_new`, `signature`, or `payload` (signed, but no event).
    """
    body = payload.encode() if isinstance(payload, str) else payload
    signed = _read(body, header, secret)
    age_s = (time.time() if now is None else now) - signed.at
    if age_s > tolerance_s:
        raise _refused("too_old", "The delivery was signed too long ago.")
    if age_s < -tolerance_s:
        raise _refused("too_new", "The delivery was signed in the future.")
    if not _matches(signed):
        raise _refused("signature", "No signature fits the body and the secret.")
    try:
        return decode(Envelope, json.loads(body))
    except (TypeError, ValueError) as error:
        raise _refused("payload", "The body is no event.") from error


def _read(body: bytes, header: Union[str, Mapping[str, str]], secret: str) -> _Signed:
    if isinstance(header, str):
        return _ours(body, header, secret)
    headers = {name.lower(): value for name, value in header.items()}
    if OURS in headers:
        return _ours(body, headers[OURS], secret)
    if all(name in headers for name in (ID, AT, STANDARD)):
        return _standard(body, headers[ID], headers[AT], headers[STANDARD], secret)
    raise _refused("missing", "The delivery has no signature.")


def _ours(body: bytes, header: str, secret: str) -> _Signed:
    parts = [part.strip().partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    given = [value.encode() for name, _, value in parts if name == "v1"]
    at = _seconds(times, given)
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return _Signed(int(at), digest.hexdigest().encode(), given)


def _standard(body: bytes, identity: str, at: str, signatures: str, secret: str) -> _Signed:
    parts = [part.partition(",") for part in signatures.split()]
    given = [value.encode() for name, _, value in parts if name == "v1"]
    _seconds([at], given)
    digest = hmac.new(_key(secret), f"{identity}.{at}.".encode() + body, hashlib.sha256)
    return _Signed(int(at), base64.b64encode(digest.digest()), given)


def _seconds(times: List[str], given: List[bytes]) -> str:
    if len(times) != 1 or not SECONDS.fullmatch(times[0]) or not given:
        raise _refused("malformed", "The delivery's signature cannot be read.")
    return times[0]


def _key(secret: str) -> bytes:
    """The bytes of a Standard Webhooks secret; ValueError when it is none, which is no sender's
    doing."""
    text = secret[len("whsec_") :] if secret.startswith("whsec_") else secret
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("the webhook secret is no base64") from error


def _matches(signed: _Signed) -> bool:
    """One that fits is enough; each is compared in constant time."""
    return any(hmac.compare_digest(signed.wanted, one) for one in signed.given)


def _refused(code: str, message: str) -> WebhookVerificationError:
    return WebhookVerificationError(message, code=code)
