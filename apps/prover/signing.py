"""A report as bytes, its digest and its signature: Ed25519 with a key derived from the master
secret, so that whoever has the public key can check a proof without asking us.
"""

import base64
import hashlib
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from apps.prover.errors import BadProof
from tenlyr.core import secrets

ALGORITHM = "Ed25519"
FORMAT = "tenlyr-proof/1"


def canonical(report: Any) -> bytes:
    """The one form of a report: keys sorted, no spaces, UTF-8, no number that is not whole."""
    _refuse_inexact(report)
    return orjson.dumps(report, option=orjson.OPT_SORT_KEYS)


def digest(report: Any) -> str:
    """SHA-256 of the canonical form, in hexadecimal digits."""
    return hashlib.sha256(canonical(report)).hexdigest()


def seal(report: dict[str, Any]) -> dict[str, Any]:
    """The report in its signed envelope."""
    key = _private_key()
    return {
        "report": report,
        "digest": digest(report),
        "algorithm": ALGORITHM,
        "signature": _text(key.sign(canonical(report))),
        "publicKey": public_key(),
    }


def public_key() -> str:
    """This installation's public key, base64."""
    return _text(_private_key().public_key().public_bytes_raw())


def check(envelope: Any, *, key: str = "") -> dict[str, Any]:
    """The report of an envelope whose digest and signature are right for `key`.

    `key` is a base64 public key; without one, this installation's own. Raises `BadProof`.
    """
    trusted = key or public_key()
    try:
        report, signature = envelope["report"], base64.b64decode(envelope["signature"])
        if envelope["algorithm"] != ALGORITHM or report["format"] != FORMAT:
            raise BadProof("The file is not a proof of this kind.")
        if envelope["digest"] != digest(report):
            raise BadProof("The report was changed: its digest is another.")
        verifier = Ed25519PublicKey.from_public_bytes(base64.b64decode(trusted))
        verifier.verify(signature, canonical(report))
    except InvalidSignature as error:
        raise BadProof("The signature is not one of this key.") from error
    except BadProof:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise BadProof("The file is not a proof.") from error
    checked: dict[str, Any] = report
    return checked


def _private_key() -> Ed25519PrivateKey:
    seed = secrets.derive(settings.SECRET_KEY, "proof signature")
    return Ed25519PrivateKey.from_private_bytes(seed)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _refuse_inexact(value: Any) -> None:
    """A float has many forms; a report that held one could not be checked elsewhere."""
    if isinstance(value, float):
        raise BadProof("A report holds whole numbers and texts only.")
    inner = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for one in inner:
            _refuse_inexact(one)
