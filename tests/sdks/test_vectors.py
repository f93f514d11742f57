"""The shared vectors are the server's own: its keys, its signatures (E6, X33, X57)."""

import json
from pathlib import Path
from typing import Any

import pytest
import time_machine

from tenlyr.core import keys
from tests.sdks import vectors
from tests.webhooks.test_recipes import RECIPES
from tests.webhooks.vectors import STANDARD, STRIPE
from tests.webhooks.verifiers import standard_takes

KEYS = json.loads((vectors.CONFORMANCE / "keys.json").read_text())
SIGNATURES = json.loads((vectors.CONFORMANCE / "signatures.json").read_text())


@pytest.mark.parametrize("path", vectors.files(), ids=lambda path: path.name)
def test_the_files_are_current(path: Path) -> None:
    assert path.read_text() == vectors.files()[path], "python -m tests.sdks.vectors"


def test_the_server_takes_the_keys_for_what_they_are() -> None:
    assert [keys.kind_of(one) for one in KEYS["keys"].values()] == ["admin", "tenant", "tenant"]
    assert all(keys.kind_of(one) for one in KEYS["wellFormed"])


@pytest.mark.parametrize("one", KEYS["malformed"], ids=lambda one: one["reason"])
def test_the_server_takes_no_malformed_key(one: dict[str, str]) -> None:
    assert keys.kind_of(one["key"]) is None


def test_no_name_twice_and_no_refusal_without_a_reason() -> None:
    names = [one["name"] for one in SIGNATURES]
    assert len(names) == len(set(names))
    assert all(one["valid"] or one["reason"] for one in SIGNATURES)


@pytest.mark.parametrize(
    "one",
    [one for one in SIGNATURES if STRIPE in one["headers"] and one["toleranceS"] == 300],
    ids=lambda one: one["name"],
)
def test_our_recipe_agrees(one: dict[str, Any]) -> None:
    """The verifier that `docs/webhooks.md` prints, which a test of its own runs."""
    names: dict[str, Any] = {}
    exec(RECIPES[2], names)  # noqa: S102 - our own documentation
    body, header = one["payload"].encode(), one["headers"][STRIPE]
    assert names["is_genuine"](body, header, one["secret"], one["now"]) is one["valid"]


@pytest.mark.parametrize(
    "one",
    [one for one in SIGNATURES if STANDARD in one["headers"] and one["toleranceS"] == 300],
    ids=lambda one: one["name"],
)
def test_the_library_of_standard_webhooks_agrees(one: dict[str, Any]) -> None:
    with time_machine.travel(one["now"], tick=False):
        assert _is_taken(one) is one["valid"]


def _is_taken(one: dict[str, Any]) -> bool:
    try:
        return standard_takes(one["headers"], one["payload"].encode(), one["secret"])
    except ValueError:  # the library stumbles over what is no signature at all
        return False
