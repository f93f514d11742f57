"""The wire: camelCase outside, snake_case inside, exact numbers, one form of instants (X3, E5)."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenlyr.core.api import wire

NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9]*", fullmatch=True), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("snake", "camel"),
    [
        ("owner_email", "ownerEmail"),
        ("api_key_prefix", "apiKeyPrefix"),
        ("id", "id"),
        ("limit_rpm", "limitRpm"),
        ("storage_gb", "storageGb"),
    ],
)
def test_names_change_both_ways(snake: str, camel: str) -> None:
    assert wire.camel(snake) == camel
    assert wire.snake(camel) == snake


@given(NAMES)
def test_no_name_is_lost_on_the_way_out_and_back(words: list[str]) -> None:
    name = "_".join([words[0], *(word for word in words[1:] if word[0].isalpha())])
    assert wire.snake(wire.camel(name)) == name


def test_names_change_at_every_depth_and_values_never() -> None:
    value = {"a_b": [{"c_d": "e_f"}], "g": {"h_i": {"j_k": 1}}}
    assert wire.camel_keys(value) == {"aB": [{"cD": "e_f"}], "g": {"hI": {"jK": 1}}}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime(2026, 11, 21, 4, 5, 6, 789_999, UTC), "2026-11-21T04:05:06.789Z"),
        (datetime(2026, 11, 21, tzinfo=timezone(timedelta(hours=2))), "2026-11-20T22:00:00.000Z"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (Decimal("3.000000"), 3),
        (Decimal("2.4"), 2.4),
        (None, None),
    ],
)
def test_values_have_one_form(value: Any, shown: Any) -> None:
    assert json.loads(wire.dumps({"v": value})) == {"v": shown}


def test_a_value_without_a_form_is_a_mistake() -> None:
    with pytest.raises(TypeError):
        wire.dumps({"v": object()})


def test_nothing_renders_as_nothing() -> None:
    assert wire.JSONRenderer().render(None) == b""
    assert wire.JSONRenderer().render({"a": None}) == b'{"a":null}'


def test_places_in_a_list_stay_numbers() -> None:
    assert wire.camel_keys({"tenant_ids": {0: ["no_uuid"]}}) == {"tenantIds": {0: ["no_uuid"]}}
