"""Secrets at rest: sealed for one place, opened there only (R16); keys for one purpose."""

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from tenlyr.core import secrets
from tenlyr.core.secrets import CannotDecrypt


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_was_sealed_opens_again(plain: bytes, also: bytes) -> None:
    sealed = secrets.seal(plain, place="t.c", also=also)
    assert secrets.unseal(sealed, place="t.c", also=also) == plain


def test_the_plain_text_is_nowhere_in_it_and_no_two_are_alike() -> None:
    sealed = {secrets.seal(b"tenlyr_live_secret", place="t.c") for _ in range(50)}
    assert len(sealed) == 50
    assert not any(b"tenlyr" in one for one in sealed)


@given(st.data())
def test_one_flipped_bit_and_it_stays_shut(data: st.DataObject) -> None:
    sealed = bytearray(secrets.seal(b"value", place="t.c"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(CannotDecrypt):
        secrets.unseal(bytes(sealed), place="t.c")


@given(st.binary(max_size=60))
def test_what_was_never_sealed_stays_shut(garbage: bytes) -> None:
    with pytest.raises(CannotDecrypt):
        secrets.unseal(garbage, place="t.c")


def test_it_opens_in_its_own_place_only() -> None:
    sealed = secrets.seal(b"value", place="t.c")
    for place in ("t.d", "u.c", ""):
        with pytest.raises(CannotDecrypt):
            secrets.unseal(sealed, place=place)


def test_it_needs_what_was_mixed_in() -> None:
    sealed = secrets.seal(b"value", place="t.c", also=b"the client's own key")
    for also in (b"", b"the client's own kez"):
        with pytest.raises(CannotDecrypt):
            secrets.unseal(sealed, place="t.c", also=also)


def test_it_needs_the_installations_secret() -> None:
    sealed = secrets.seal(b"value", place="t.c")
    other = override_settings(SECRET_KEY="another-secret-0123456789abcdef0123")
    with other, pytest.raises(CannotDecrypt):
        secrets.unseal(sealed, place="t.c")


def test_derived_keys_differ_by_everything_that_goes_in() -> None:
    made = [
        secrets.derive("master", "one"),
        secrets.derive("master", "two"),
        secrets.derive("other", "one"),
        secrets.derive("master", "one", also=b"x"),
    ]
    assert len(set(made)) == 4
    assert {len(key) for key in made} == {32}
    assert len(secrets.derive("master", "one", length=16)) == 16


def test_a_derived_key_is_the_same_tomorrow() -> None:
    # The roles' passwords and every stored digest hang on this: changing it locks an installation.
    assert secrets.derive("master", "postgres role tenlyr_app").hex() == (
        "55ff31cacd62693680d87f673257ef79bde856305762f0fd8f48f86f9d111ecf"
    )
