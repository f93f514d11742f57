"""Signatures, judged by the verifiers that receivers already have (E6, X33, F33, T43)."""

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError
from stripe import SignatureVerificationError, WebhookSignature

from apps.webhooks import signing
from tests.webhooks import vectors

BODY = b'{"id":"evt_1","data":{"name":"Acme"}}'


def stripe_takes(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Whether Stripe's own library accepts it, with the usual tolerance."""
    try:
        return WebhookSignature.verify_header(body, headers["Tenlyr-Signature"], secret, 300)
    except SignatureVerificationError:
        return False


def standard_takes(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """Whether the library of Standard Webhooks accepts it; its tolerance is 300 s."""
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def both_take(headers: dict[str, str], body: bytes, secret: str) -> tuple[bool, bool]:
    """What the two say."""
    return stripe_takes(headers, body, secret), standard_takes(headers, body, secret)


def now() -> datetime:
    """The real time: the libraries look at their own clock."""
    return datetime.now(UTC)


class TestSecrets:
    def test_they_are_32_random_bytes(self) -> None:
        made = {signing.new_secret() for _ in range(100)}
        assert len(made) == 100
        assert {len(b64decode(one.removeprefix("whsec_"), validate=True)) for one in made} == {32}

    def test_what_is_no_secret_signs_nothing(self) -> None:
        with pytest.raises(ValueError, match=r"base64|characters"):
            signing.headers(["whsec_not base64!"], "evt_1", BODY, now())


class TestBothLibraries:
    def test_they_accept_a_delivery(self) -> None:
        secret = signing.new_secret()
        assert both_take(signing.headers([secret], "evt_1", BODY, now()), BODY, secret) == (
            True,
            True,
        )

    def test_during_a_rotation_the_old_and_the_new_secret_verify(self) -> None:
        new, old = signing.new_secret(), signing.new_secret()
        headers = signing.headers([new, old], "evt_1", BODY, now())
        assert [both_take(headers, BODY, one) for one in (new, old)] == [(True, True)] * 2
        assert both_take(headers, BODY, signing.new_secret()) == (False, False)

    def test_they_refuse_each_changed_byte(self) -> None:
        secret = signing.new_secret()
        headers = signing.headers([secret], "evt_1", BODY, now())
        for place in range(len(BODY)):
            changed = bytearray(BODY)
            changed[place] ^= 1
            assert both_take(headers, bytes(changed), secret) == (False, False), place

    def test_they_refuse_an_old_time(self) -> None:
        secret, at = signing.new_secret(), now() - timedelta(seconds=301)
        headers = signing.headers([secret], "evt_1", BODY, at)
        assert both_take(headers, BODY, secret) == (False, False)

    def test_they_refuse_a_time_that_was_not_signed(self) -> None:
        secret, at = signing.new_secret(), now() - timedelta(seconds=301)
        headers = signing.headers([secret], "evt_1", BODY, at)
        fresh = str(int(now().timestamp()))
        old = headers["webhook-timestamp"]
        moved = {name: value.replace(old, fresh) for name, value in headers.items()}
        assert both_take(moved, BODY, secret) == (False, False)

    def test_they_refuse_a_wrong_secret(self) -> None:
        headers = signing.headers([signing.new_secret()], "evt_1", BODY, now())
        assert both_take(headers, BODY, signing.new_secret()) == (False, False)

    def test_the_standard_one_binds_the_id_too(self) -> None:
        secret = signing.new_secret()
        headers = signing.headers([secret], "evt_1", BODY, now())
        assert not standard_takes({**headers, "webhook-id": "evt_2"}, BODY, secret)


@given(body=st.text(max_size=200), event_id=st.from_regex(r"evt_[0-9A-Z]{26}", fullmatch=True))
def test_whatever_the_body_both_accept_it(body: str, event_id: str) -> None:
    secret = vectors.NEW
    headers = signing.headers([secret], event_id, body.encode(), now())
    assert both_take(headers, body.encode(), secret) == (True, True)


class TestVectors:
    """`vectors.json` is shared with every verifier that we ship, in any language."""

    def test_the_file_is_current(self) -> None:
        assert vectors.FILE.read_text() == vectors.text(), "python -m tests.webhooks.vectors"

    @pytest.mark.parametrize(
        "case", json.loads(vectors.FILE.read_text())["cases"], ids=lambda case: case["name"]
    )
    def test_both_libraries_agree_with_it(self, case: dict[str, Any]) -> None:
        with time_machine.travel(case["now"], tick=False):
            said = both_take(case["headers"], case["body"].encode(), case["secret"])
        assert said == (case["accepted"], case["accepted"])
