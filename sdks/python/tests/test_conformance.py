"""The cases that all SDKs share, replayed by both clients."""

from typing import Any

import pytest
from replaying import METHODS, Replay, as_wire, cases, differs, load, snake

import tenlyr
from tenlyr import webhooks

CASES = cases()
NAMES = [case["name"] for case in CASES]
VECTORS = load("signatures.json")
KEYS = load("keys.json")
SAID = {
    "statusCode": "status_code",
    "code": "code",
    "retryAfter": "retry_after",
    "metric": "metric",
    "limit": "limit",
    "current": "current",
}


@pytest.mark.parametrize("kind", ["async", "sync"])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_case(case: Any, kind: str) -> None:
    replay = Replay(case)
    if "error" in case:
        with pytest.raises(tenlyr.TenlyrError) as raised:
            replay.run(kind)
        assert_error(case["error"], raised.value)
    else:
        assert differs(replay.case.get("result"), as_wire(replay.run(kind))) is None
    assert replay.script.left == []
    assert replay.waits_ms == pytest.approx(case.get("waitsMs", []))


def assert_error(wanted: Any, error: tenlyr.TenlyrError) -> None:
    """The error is of the class, and says what the case names."""
    assert type(error) is getattr(tenlyr, wanted["class"])
    for name, ours in SAID.items():
        if name in wanted:
            assert getattr(error, ours) == wanted[name]
    if "errors" in wanted:
        assert isinstance(error, tenlyr.InvalidRequestError)
        assert differs(wanted["errors"], as_wire(error.errors)) is None
    if "resetAt" in wanted:
        assert isinstance(error, tenlyr.PlanLimitExceededError)
        assert differs(wanted["resetAt"], as_wire(error.reset_at)) is None


@pytest.mark.parametrize("vector", VECTORS, ids=[one["name"] for one in VECTORS])
def test_signature(vector: Any) -> None:
    def verify() -> tenlyr.Envelope:
        settings = {"tolerance_s": vector["toleranceS"], "now": vector["now"]}
        headers, secret = vector["headers"], vector["secret"]
        return webhooks.verify(vector["payload"].encode(), headers, secret, **settings)

    if vector["valid"]:
        assert verify().id == "evt_01KAK3W8Q0J5Y8Z7V6T5R4N3M2"
    else:
        with pytest.raises(tenlyr.WebhookVerificationError) as raised:
            verify()
        assert raised.value.code == vector["reason"]


@pytest.mark.parametrize("key", KEYS["wellFormed"])
def test_a_key_that_may_be_one(key: str) -> None:
    assert tenlyr.is_well_formed(key)


@pytest.mark.parametrize("one", KEYS["malformed"], ids=[one["reason"] for one in KEYS["malformed"]])
@pytest.mark.parametrize("kind", ["async", "sync"])
def test_a_key_that_cannot_be_one_is_not_sent(one: Any, kind: str) -> None:
    case = {
        "client": {"key": one["key"]},
        "call": {"method": "tenants.get", "args": {"tenantId": "t"}},
        "exchanges": [],
    }
    with pytest.raises(tenlyr.AuthenticationError) as raised:
        Replay(case).run(kind)
    assert (raised.value.status_code, raised.value.code) == (401, "invalid_key")
    assert one["key"] not in str(raised.value) or not one["key"]


@pytest.mark.parametrize("client", [tenlyr.Tenlyr, tenlyr.TenlyrSync])
def test_every_method_is_there_in_the_order_of_the_table(client: Any) -> None:
    made = client("")
    for resource in {name.split(".")[0] for name in METHODS}:
        wanted = [name.split(".")[1] for name in METHODS if name.startswith(f"{resource}.")]
        there = [name for name in vars(type(getattr(made, resource))) if not name.startswith("_")]
        assert [name for name in there if name in map(snake, wanted)] == [*map(snake, wanted)]
        paged = [name for name in wanted if METHODS[f"{resource}.{name}"]["page"]]
        assert {snake(name) + "_all" for name in paged} <= set(there)
