"""When two addresses are one (X39, B02)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.tenants.emails import key_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("\u017fam@example.com", "sam@example.com"),  # the long s
        ("\uff41\uff44\uff41@example.com", "ada@example.com"),  # full width
        ("\u212aim@example.com", "kim@example.com"),  # the Kelvin sign
        ("jose\u0301@example.com", "jos\u00e9@example.com"),  # NFD and NFC
        ("STRASSE@example.com", "straße@example.com"),
    ],
)
def test_twins_are_one(one: str, other: str) -> None:
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ada@example.com", "ada+x@example.com"),
        ("ada@example.com", "a.da@example.com"),
        ("ada@example.com", "\u0430da@example.com"),  # a Cyrillic letter is another letter
    ],
)
def test_others_are_two(one: str, other: str) -> None:
    assert key_of(one) != key_of(other)


@given(st.text())
def test_the_form_is_stable(address: str) -> None:
    key = key_of(address)
    assert key_of(key) == key
    assert unicodedata.is_normalized("NFKC", key)
