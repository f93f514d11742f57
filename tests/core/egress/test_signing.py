"""Signatures as receivers check them: ours like Stripe's, and Standard Webhooks (E6, X33)."""

import base64
import hashlib
import hmac
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenlyr.core.egress import signing
from tests.webhooks.verifiers import both_take, standard_takes

AT = datetime(2026, 11, 21, 4, 5, 6, 789_000, tzinfo=UTC)
SECONDS = "1795233906"
BODY = '{"id": "evt_1", "name": "Ünïcode"}'.encode()
PLAIN = b'{"id":"evt_1","data":{"name":"Acme"}}'
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


def test_what_is_no_secret_signs_nothing() -> None:
    with pytest.raises(ValueError, match=r"base64|characters"):
        signing.headers(["whsec_not base64!"], "evt_1", BODY, AT)


def now() -> datetime:
    """The real time: the libraries look at their own clock."""
    return datetime.now(UTC)


def flipped(data: bytes, dice: random.Random, most: int = 8) -> bytes:
    """With one bit changed, of the lowest `most` of a byte: with 7 what was ASCII stays ASCII."""
    changed = bytearray(data)
    changed[dice.randrange(len(data))] ^= 1 << dice.randrange(most)
    return bytes(changed)


class TestBothLibraries:
    def test_they_accept_a_delivery(self) -> None:
        secret = signing.new_secret()
        assert both_take(signing.headers([secret], "evt_1", PLAIN, now()), PLAIN, secret) == (
            True,
            True,
        )

    def test_during_a_rotation_the_old_and_the_new_secret_verify(self) -> None:
        new, old = signing.new_secret(), signing.new_secret()
        headers = signing.headers([new, old], "evt_1", PLAIN, now())
        assert [both_take(headers, PLAIN, one) for one in (new, old)] == [(True, True)] * 2
        assert both_take(headers, PLAIN, signing.new_secret()) == (False, False)

    def test_they_refuse_each_changed_byte(self) -> None:
        secret = signing.new_secret()
        headers = signing.headers([secret], "evt_1", PLAIN, now())
        for place in range(len(PLAIN)):
            changed = bytearray(PLAIN)
            changed[place] ^= 1
            assert both_take(headers, bytes(changed), secret) == (False, False), place

    def test_they_refuse_each_of_ten_thousand_flipped_bits(self) -> None:
        """One bit of the body, of the signatures or of the time that they sign."""
        secret, dice = signing.new_secret(), random.Random(41)
        headers = signing.headers([secret], "evt_1", PLAIN, now())
        time = headers["webhook-timestamp"]
        digests = (
            bytes.fromhex(headers["Tenlyr-Signature"].partition("v1=")[2]),
            base64.b64decode(headers["webhook-signature"].removeprefix("v1,")),
        )
        taken = []
        for _ in range(10_000):
            body, part = PLAIN, dice.randrange(4)
            if part == 0:
                moved = str(int(time) ^ 1 << dice.randrange(7))
                signed = {name: value.replace(time, moved) for name, value in headers.items()}
            elif part == 1:
                hexadecimal, base = (flipped(one, dice) for one in digests)
                signed = {
                    **headers,
                    "Tenlyr-Signature": f"t={time},v1={hexadecimal.hex()}",
                    "webhook-signature": f"v1,{base64.b64encode(base).decode()}",
                }
            else:
                body, signed = flipped(PLAIN, dice, most=7), headers
            if both_take(signed, body, secret) != (False, False):
                taken.append((signed, body))
        assert taken == []

    def test_they_refuse_an_old_time(self) -> None:
        secret, at = signing.new_secret(), now() - timedelta(seconds=301)
        headers = signing.headers([secret], "evt_1", PLAIN, at)
        assert both_take(headers, PLAIN, secret) == (False, False)

    def test_they_refuse_a_time_that_was_not_signed(self) -> None:
        secret, at = signing.new_secret(), now() - timedelta(seconds=301)
        headers = signing.headers([secret], "evt_1", PLAIN, at)
        fresh = str(int(now().timestamp()))
        old = headers["webhook-timestamp"]
        moved = {name: value.replace(old, fresh) for name, value in headers.items()}
        assert both_take(moved, PLAIN, secret) == (False, False)

    def test_they_refuse_a_wrong_secret(self) -> None:
        headers = signing.headers([signing.new_secret()], "evt_1", PLAIN, now())
        assert both_take(headers, PLAIN, signing.new_secret()) == (False, False)

    def test_the_standard_one_binds_the_id_too(self) -> None:
        secret = signing.new_secret()
        headers = signing.headers([secret], "evt_1", PLAIN, now())
        assert not standard_takes({**headers, "webhook-id": "evt_2"}, PLAIN, secret)


@given(body=st.text(max_size=200), event_id=st.from_regex(r"evt_[0-9A-Z]{26}", fullmatch=True))
def test_whatever_the_body_both_accept_it(body: str, event_id: str) -> None:
    secret = NEW
    headers = signing.headers([secret], event_id, body.encode(), now())
    assert both_take(headers, body.encode(), secret) == (True, True)
