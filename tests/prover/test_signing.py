"""A report's one form, its digest and signature (A29)."""

import base64
import copy
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from apps.prover import signing
from apps.prover.errors import BadProof

REPORT: dict[str, Any] = {"format": signing.FORMAT, "b": [1, "ä"], "a": {"y": None, "x": True}}


def test_the_canonical_form_does_not_depend_on_order() -> None:
    turned = dict(reversed(REPORT.items()))
    assert signing.canonical(REPORT) == signing.canonical(turned)
    assert signing.canonical({"b": 1, "a": "ä"}) == '{"a":"ä","b":1}'.encode()


@pytest.mark.parametrize("value", [1.5, {"a": [1.0]}, [{"b": float("nan")}]])
def test_a_report_holds_no_inexact_number(value: Any) -> None:
    with pytest.raises(BadProof, match="whole numbers"):
        signing.canonical(value)


def test_whoever_has_the_public_key_can_check_it_without_us() -> None:
    envelope = signing.seal(REPORT)
    body = signing.canonical(REPORT)
    assert envelope["digest"] == hashlib.sha256(body).hexdigest()
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(envelope["publicKey"]))
    key.verify(base64.b64decode(envelope["signature"]), body)


def test_a_whole_proof_is_right_here_and_elsewhere() -> None:
    envelope = signing.seal(REPORT)
    assert signing.check(envelope) == REPORT
    assert signing.check(envelope, key=signing.public_key()) == REPORT


def _changed(**fields: Any) -> dict[str, Any]:
    return {**signing.seal(REPORT), **fields}


@pytest.mark.parametrize(
    ("envelope", "said"),
    [
        (_changed(report={**REPORT, "b": [2, "ä"]}), "digest is another"),
        (_changed(digest="0" * 64), "digest is another"),
        (_changed(signature=base64.b64encode(bytes(64)).decode()), "not one of this key"),
        (_changed(signature="§"), "not a proof"),
        (_changed(algorithm="none"), "of this kind"),
        (_changed(report={**REPORT, "format": "other/1"}), "of this kind"),
        ({}, "not a proof"),
        ([], "not a proof"),
        (None, "not a proof"),
        ({"report": 1, "signature": ""}, "not a proof"),
    ],
)
def test_whatever_was_changed_is_refused(envelope: Any, said: str) -> None:
    with pytest.raises(BadProof, match=said):
        signing.check(envelope)


def test_a_changed_report_with_a_new_digest_is_refused_too() -> None:
    forged = copy.deepcopy(signing.seal(REPORT))
    forged["report"]["b"] = [2]
    forged["digest"] = signing.digest(forged["report"])
    with pytest.raises(BadProof, match="not one of this key"):
        signing.check(forged)


def test_a_proof_that_somebody_else_signed_is_refused_whatever_key_it_names() -> None:
    other = Ed25519PrivateKey.generate()
    forged = {
        **signing.seal(REPORT),
        "signature": base64.b64encode(other.sign(signing.canonical(REPORT))).decode(),
        "publicKey": base64.b64encode(other.public_key().public_bytes_raw()).decode(),
    }
    with pytest.raises(BadProof, match="not one of this key"):
        signing.check(forged)
    assert signing.check(forged, key=forged["publicKey"]) == REPORT


def test_another_installation_has_another_key(settings: Any) -> None:
    envelope = signing.seal(REPORT)
    settings.SECRET_KEY = "another secret that is quite long enough"
    assert signing.public_key() != envelope["publicKey"]
    with pytest.raises(BadProof, match="not one of this key"):
        signing.check(envelope)
