"""Strict fields: wire names, no unknown field, no silent conversion (R13, B02, B04, B06)."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from tenlyr.core.api import handler
from tenlyr.core.api.serializers import (
    IdField,
    MomentField,
    NoFieldsSerializer,
    StrictBooleanField,
    StrictCharField,
    StrictChoiceField,
    StrictEmailField,
    StrictIntegerField,
    StrictMomentField,
    WireSerializer,
    is_plain,
    moment,
)


class Order(WireSerializer):
    """A body with a field of each kind."""

    owner_name = StrictCharField(max_length=5, required=False)
    owner_email = StrictEmailField(required=False)
    item_count = StrictIntegerField(min_value=1, max_value=9, required=False)
    size = StrictChoiceField(choices=["small", "large"], required=False)
    owner_id = IdField(required=False)
    is_gift = StrictBooleanField(required=False)
    due_at = StrictMomentField(required=False)
    paid_at = MomentField(read_only=True)
    made_up_id = serializers.CharField(read_only=True)


def codes(body: Any) -> dict[str, str]:
    """The wrong fields of a body, with the code of each."""
    try:
        Order(data=body).is_valid(raise_exception=True)
    except serializers.ValidationError as error:
        found = handler.field_errors(error.get_full_details())
        return {one["field"]: one["code"] for one in found}
    return {}


def test_wire_names_become_python_names() -> None:
    bound = Order(data={"ownerName": "Ada", "itemCount": 3})
    bound.is_valid(raise_exception=True)
    assert bound.validated_data == {"owner_name": "Ada", "item_count": 3}


def test_python_names_become_wire_names() -> None:
    shown = Order({"owner_name": "Ada", "item_count": 3, "made_up_id": "x"}).data
    assert shown == {"ownerName": "Ada", "itemCount": 3, "madeUpId": "x"}


def test_an_id_is_a_uuid_within() -> None:
    bound = Order(data={"ownerId": "0190f0a1-7d54-7c3e-8a51-3d0f5b6c7d8e"})
    bound.is_valid(raise_exception=True)
    assert bound.validated_data == {"owner_id": UUID("0190f0a1-7d54-7c3e-8a51-3d0f5b6c7d8e")}


def test_a_moment_is_a_string_on_the_wire() -> None:
    shown = Order({"paid_at": datetime(2026, 1, 2, 3, 4, 5, 678_900, UTC)}).data
    assert shown == {"paidAt": "2026-01-02T03:04:05.678Z"}


def test_a_body_without_fields_takes_none() -> None:
    assert NoFieldsSerializer(data={}).is_valid()
    assert not NoFieldsSerializer(data={"name": "Ada"}).is_valid()


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {}),
        ({"owner_name": "Ada"}, {"owner_name": "unknown_field"}),
        ({"OwnerName": "Ada"}, {"OwnerName": "unknown_field"}),
        ({"madeUpId": "x"}, {"madeUpId": "unknown_field"}),
        ({"x": 1, "y": 2}, {"x": "unknown_field", "y": "unknown_field"}),
        ({"ownerName": ""}, {"ownerName": "blank"}),
        ({"ownerName": None}, {"ownerName": "null"}),
        ({"ownerName": "Augusta"}, {"ownerName": "max_length"}),
        ({"ownerName": 7}, {"ownerName": "not_a_string"}),
        ({"ownerName": True}, {"ownerName": "not_a_string"}),
        ({"ownerName": ["Ada"]}, {"ownerName": "not_a_string"}),
        ({"ownerName": {"a": 1}}, {"ownerName": "not_a_string"}),
        ({"ownerName": "A\x00a"}, {"ownerName": "not_plain"}),
        ({"ownerName": "A\u202ea"}, {"ownerName": "not_plain"}),
        ({"ownerName": "A\na"}, {"ownerName": "not_plain"}),
        ({"ownerEmail": "nobody"}, {"ownerEmail": "invalid"}),
        ({"ownerEmail": "a\x00@example.com"}, {"ownerEmail": "not_plain"}),
        ({"ownerEmail": 5}, {"ownerEmail": "not_a_string"}),
        ({"itemCount": "3"}, {"itemCount": "invalid"}),
        ({"itemCount": "1_0"}, {"itemCount": "invalid"}),
        ({"itemCount": "٣"}, {"itemCount": "invalid"}),
        ({"itemCount": True}, {"itemCount": "invalid"}),
        ({"itemCount": Decimal("1.5")}, {"itemCount": "invalid"}),
        ({"itemCount": Decimal("3.0")}, {}),
        ({"itemCount": 0}, {"itemCount": "min_value"}),
        ({"itemCount": 2**63}, {"itemCount": "max_value"}),
        ({"itemCount": Decimal("1e400")}, {"itemCount": "max_value"}),
        ({"itemCount": []}, {"itemCount": "invalid"}),
        ({"ownerId": "0190f0a1-7d54-7c3e-8a51-3d0f5b6c7d8e"}, {}),
        ({"ownerId": "0190F0A1-7D54-7C3E-8A51-3D0F5B6C7D8E"}, {"ownerId": "invalid"}),
        ({"ownerId": "0190f0a17d547c3e8a513d0f5b6c7d8e"}, {"ownerId": "invalid"}),
        ({"ownerId": "0190f0a1-7d54-7c3e-8a51-3d0f5b6c7d8e\n"}, {"ownerId": "invalid"}),
        ({"ownerId": "{0190f0a17d547c3e8a513d0f5b6c7d8e0}"}, {"ownerId": "invalid"}),
        ({"ownerId": 7}, {"ownerId": "invalid"}),
        ({"ownerId": None}, {"ownerId": "null"}),
        ({"size": "small"}, {}),
        ({"size": "Small"}, {"size": "invalid_choice"}),
        ({"size": ["small"]}, {"size": "invalid_choice"}),
        ({"size": 1}, {"size": "invalid_choice"}),
        ([], {"": "not_an_object"}),
        ("text", {"": "not_an_object"}),
        (7, {"": "not_an_object"}),
        (None, {"": "null"}),
    ],
)
def test_only_what_was_declared_gets_in(body: Any, wrong: dict[str, str]) -> None:
    assert codes(body) == wrong


def test_many_unknown_fields_and_long_names_are_not_all_echoed() -> None:
    wrong = codes({f"{n}{'x' * 200}": 1 for n in range(50)})
    assert len(wrong) == 20
    assert all(len(name) == 100 for name in wrong)


@given(st.text())
def test_plain_means_no_control_character(text: str) -> None:
    assert is_plain(text) is (
        not any(ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in text)
        and not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    )


@pytest.mark.parametrize("value", ["true", "yes", 1, 0, "", [], {}, None])
def test_only_true_and_false_are_either(value: object) -> None:
    assert codes({"isGift": value}) == {"isGift": "null" if value is None else "invalid"}


@pytest.mark.parametrize("value", [True, False])
def test_true_and_false(value: bool) -> None:
    bound = Order(data={"isGift": value})
    assert bound.is_valid()
    assert bound.validated_data == {"is_gift": value}


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T04:05:06Z",
        "2026-11-21t04:05:06.0z",
        "2026-11-21T04:05:06.000000000+00:00",
        "2026-11-21T05:35:06+01:30",
        "2026-11-20T20:05:06-08:00",
    ],
)
def test_a_moment_in_any_zone_is_read_into_ours(text: str) -> None:
    assert moment(text) == datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC)
    bound = Order(data={"dueAt": text})
    assert bound.is_valid()
    assert bound.validated_data["due_at"].tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        *("2026-11-21", "2026-11-21T04:05:06", "2026-11-21 04:05:06Z", "20261121T040506Z", "now"),
        *("2026-02-30T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T04:05:06+25:00", ""),
        *("2026-11-21T04:05:06Z\n", "٢٠٢٦-11-21T04:05:06Z", 1_763_700_000, True, []),
    ],
)
def test_what_is_no_moment(value: object) -> None:
    assert codes({"dueAt": value}) == {"dueAt": "invalid"}


@given(st.datetimes(), st.timedeltas(timedelta(hours=-23), timedelta(hours=23)))
def test_every_moment_of_every_zone_can_be_read(local: datetime, offset: timedelta) -> None:
    whole = timedelta(minutes=offset // timedelta(minutes=1))
    found = moment(local.replace(tzinfo=timezone(whole)).isoformat())
    assert found is not None
    assert found.tzinfo is UTC
