"""Keys: format, checksum and hashes (A4, A5, X8)."""

from collections.abc import Callable

import pytest

from tenlyr.core import keys
from tenlyr.core.keys import Kind


@pytest.mark.parametrize("kind", list(Kind))
def test_a_new_key_is_of_its_kind(kind: Kind) -> None:
    raw = keys.generate(kind)
    assert keys.kind_of(raw) is kind
    assert raw.startswith(keys.PREFIX[kind])
    assert len(raw) == len(keys.PREFIX[kind]) + 46


def test_an_admin_key_is_never_taken_for_a_tenant_key() -> None:
    assert all(keys.kind_of(keys.generate(Kind.ADMIN)) is Kind.ADMIN for _ in range(50))


@pytest.mark.parametrize(
    "spoil",
    [
        str.lower,
        lambda raw: raw[:-1],
        lambda raw: raw + "0",
        lambda raw: raw.replace("tenlyr_live_", "tenlyr_live_tf_"),
        lambda raw: raw[:-1] + ("0" if raw[-1] != "0" else "1"),
        lambda raw: raw[:20] + "é" + raw[21:],
        lambda raw: raw + "\n",
        lambda raw: "",
    ],
)
def test_a_spoilt_key_is_no_key(spoil: Callable[[str], str]) -> None:
    assert keys.kind_of(spoil(keys.generate(Kind.TENANT))) is None


def test_the_checksum_covers_the_prefix() -> None:
    raw = keys.generate(Kind.TENANT)
    assert keys.kind_of(raw.replace("live", "test")) is None


def test_only_the_raw_key_verifies() -> None:
    raw, other = keys.generate(Kind.TENANT), keys.generate(Kind.TENANT)
    stored = keys.slow_hash(raw)
    assert stored.startswith("$argon2id$v=19$m=8192,t=1,p=1$")
    assert keys.verify(stored, raw)
    assert not keys.verify(stored, other)
    assert not keys.verify("not a hash", raw)
    assert keys.digest(raw) != keys.digest(other)
