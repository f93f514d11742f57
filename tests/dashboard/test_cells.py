"""Cells that no spreadsheet runs (X40, B30)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.dashboard import cells
from tenlyr.core import ids

WHEN = "2026-11-21T04:05:06.007Z"


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\u00a0=1",
        "\uff1d1+1",  # full width
        "\uff0b1",
        "\uff0d1",
        "\uff20x",
        "\u22121",  # the minus sign itself
        "=cmd|' /C calc'!A0",
        '=HYPERLINK("http://example.com","x")',
    ],
)
def test_a_text_that_would_run_gets_an_apostrophe(text: str) -> None:
    assert cells.cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Acme", "a=1", "1+1", "'=1", "ada@example.com", "über"])
def test_another_text_stays_as_it_is(text: str) -> None:
    assert cells.cell(text) == text


@given(st.text())
def test_no_cell_begins_like_a_formula(text: str) -> None:
    shown = str(cells.cell(text))
    assert not shown.lstrip().startswith(
        ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
    )
    assert shown.removeprefix("'") == text.removeprefix("'")


@pytest.mark.parametrize("number", [-5, 0, 12, -2.5, Decimal("-0.000001"), 10**18])
def test_numbers_stay_numbers(number: Any) -> None:
    assert cells.cell(number) is number


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (datetime(2026, 11, 21, 4, 5, 6, 7890, UTC), WHEN),
        ({"a": "=1"}, '{"a": "=1"}'),
        ([1, "é"], '[1, "é"]'),
    ],
)
def test_other_values(value: Any, shown: str) -> None:
    assert cells.cell(value) == shown


def test_an_id_is_text() -> None:
    tenant_id = ids.uuid7()
    assert cells.cell(tenant_id) == str(tenant_id)


class TestLongForm:
    def test_a_plain_row(self) -> None:
        row = {"id": "1", "name": "=Acme", "createdAt": WHEN, "plan": None, "isIt": True}
        assert list(cells.long_form("metadata", row)) == [
            ["metadata", "id", "1", WHEN],
            ["metadata", "name", "'=Acme", WHEN],
            ["metadata", "isIt", "true", WHEN],
        ]

    def test_a_measured_value_stands_under_its_metric(self) -> None:
        row = {"tenantId": "t", "metric": "seats", "value": -2, "endpoint": "+x", "timestamp": WHEN}
        assert list(cells.long_form("usage", row)) == [
            ["usage", "seats", -2, WHEN],
            ["usage", "seats.endpoint", "'+x", WHEN],
        ]

    def test_what_is_nested_is_named_by_its_path(self) -> None:
        row = {"type": "x", "data": {"a": {"b": 1}, "=c": [1]}}
        assert list(cells.long_form("events", row)) == [
            ["events", "type", "x", ""],
            ["events", "data.a.b", 1, ""],
            ["events", "data.=c", "[1]", ""],
        ]
