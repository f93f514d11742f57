"""Signatures as receivers check them: ours like Stripe's, and Standard Webhooks (E6, X33)."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

from tenlyr.core.egress import signing

AT = datetime(2026, 11, 21, 4, 5, 6, 789_000, tzinfo=UTC)
SECONDS = "1795233906"
BODY = '{"id": "evt_1", "name": "Ünïcode"}'.encode()
OLD, NEW = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2))


def ours(secret: str, body: bytes = BODY) -> str:
    """What the documents tell receivers to compute."""
    return hmac.new(secret.encode(), f"{SECONDS}.".encode() + body, hashlib.sha256).hexdigest()


def standard(secret: str, event_id: str, body: bytes = BODY) -> str:
    """The same by the Standard Webhooks' text."""
    key = base64.b64decode(secret[len("whsec_") :])
    digest = hmac.new(key, f"{event_id}.{SECONDS}.".encode() + body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def test_a_new_secret_is_32_random_bytes() -> None:
    made = {signing.new_secret() for _ in range(50)}
    assert len(made) == 50
    for secret in made:
        assert secret.startswith("whsec_")
        assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32


def test_one_secret() -> None:
    assert signing.headers([NEW], "evt_1", BODY, AT) == {
        "Tenlyr-Signature": f"t={SECONDS},v1={ours(NEW)}",
        "webhook-id": "evt_1",
        "webhook-timestamp": SECONDS,
        "webhook-signature": f"v1,{standard(NEW, 'evt_1')}",
    }


def test_both_secrets_while_one_takes_the_others_place() -> None:
    made = signing.headers([NEW, OLD], "evt_1", BODY, AT)
    assert made["Tenlyr-Signature"] == f"t={SECONDS},v1={ours(NEW)},v1={ours(OLD)}"
    assert made["webhook-signature"] == (f"v1,{standard(NEW, 'evt_1')} v1,{standard(OLD, 'evt_1')}")


def test_another_byte_id_or_moment_makes_another_signature() -> None:
    said = {
        signing.headers([NEW], event_id, body, at)["webhook-signature"]
        for event_id in ("evt_1", "evt_2")
        for body in (BODY, BODY + b" ")
        for at in (AT, AT.replace(second=7))
    }
    assert len(said) == 8
