"""The recipes of docs/webhooks.md accept what is sent, and nothing else (E6, X33, T43)."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import WebhookVerificationError
from stripe import SignatureVerificationError

from tenlyr.core import clock
from tenlyr.core.egress import signing
from tests.house.sources import ROOT

RECIPES = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "webhooks.md").read_text(), re.S)
BODY = '{"id":"evt_1","type":"tenant.suspended","data":{"reason":"überfällig"}}'.encode()
SECRET, OLD = signing.new_secret(), signing.new_secret()
Headers = dict[str, str]


def signed(*secrets: str, age_s: float = 0) -> Headers:
    """The headers of a delivery of some age."""
    moment = clock.now() - timedelta(seconds=age_s)
    return signing.headers(secrets or (SECRET,), "evt_1", BODY, moment)


def run(recipe: str, body: bytes, headers: Headers, secret: str) -> bool:
    """Whether a recipe accepts a delivery: it raises, or its function says no, otherwise."""
    names: dict[str, Any] = {"body": body, "headers": headers, "secret": secret}
    try:
        exec(recipe, names)  # noqa: S102 - our own documentation
    except (SignatureVerificationError, WebhookVerificationError):
        return False
    if "is_genuine" in names:
        check: Callable[..., bool] = names["is_genuine"]
        return check(body, headers["Tenlyr-Signature"], secret)
    assert names["event"]["id"] == "evt_1"
    return True


def test_there_are_three() -> None:
    assert [re.findall(r"standardwebhooks|stripe|hmac", one)[0] for one in RECIPES] == [
        "standardwebhooks",
        "stripe",
        "hmac",
    ]


@pytest.mark.parametrize("recipe", RECIPES, ids=["standardwebhooks", "stripe", "own"])
class TestEach:
    def test_what_was_sent(self, recipe: str) -> None:
        assert run(recipe, BODY, signed(), SECRET)
        assert run(recipe, BODY, signed(age_s=200), SECRET)

    def test_with_either_secret_during_a_rotation(self, recipe: str) -> None:
        both = signed(SECRET, OLD)
        assert run(recipe, BODY, both, SECRET)
        assert run(recipe, BODY, both, OLD)

    def test_not_with_another_secret(self, recipe: str) -> None:
        assert not run(recipe, BODY, signed(), OLD)

    def test_not_a_changed_byte(self, recipe: str) -> None:
        for at in (0, len(BODY) // 2, len(BODY) - 1):
            changed = BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]
            try:
                changed.decode()
            except UnicodeDecodeError:
                continue
            assert not run(recipe, changed, signed(), SECRET)
        assert not run(recipe, BODY + b" ", signed(), SECRET)

    def test_not_an_old_one(self, recipe: str) -> None:
        assert not run(recipe, BODY, signed(age_s=400), SECRET)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda header: header.replace("v1=", "v0="),
        lambda header: header.replace("t=", "u="),
        lambda header: f"t=1,{header}",
        lambda header: header.replace("t=", "t=+"),
        lambda header: header[:-1],
        lambda _: "",
        lambda _: "t=,v1=",
        lambda header: f"{header.partition(',')[0]},v1=é",
    ],
)
def test_our_own_refuses_every_other_header(spoil: Callable[[str], str]) -> None:
    header = spoil(signed()["Tenlyr-Signature"])
    assert not run(RECIPES[2], BODY, {"Tenlyr-Signature": header}, SECRET)
