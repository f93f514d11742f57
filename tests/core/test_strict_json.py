"""Strict JSON: what is doubtful is refused, the rest is read exactly (R13, B01-B05)."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenlyr.core import errors, strict_json

SCALARS: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcde_"), inner),
    max_leaves=20,
)


@given(VALUES)
def test_all_json_is_read_as_it_was_written(value: Any) -> None:
    assert strict_json.loads(json.dumps(value).encode()) == value


@given(VALUES)
def test_escapes_or_not_read_alike(value: Any) -> None:
    assert strict_json.loads(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary(max_size=200))
def test_no_bytes_break_it(body: bytes) -> None:
    try:
        value = strict_json.loads(body)
    except errors.MalformedBody:
        return
    assert value == json.loads(body, parse_float=Decimal)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_decimals_stay_exact(number: Decimal) -> None:
    read = strict_json.loads(b'{"v": %b}' % str(number).encode())["v"]
    assert read == number
    assert isinstance(read, Decimal)


MALFORMED = {
    "nothing": b"",
    "cut": b'{"a": 1',
    "two values": b"{} {}",
    "comment": b"{} // no",
    "single quotes": b"{'a': 1}",
    "bare NaN": b'{"a": NaN}',
    "Infinity": b'{"a": Infinity}',
    "minus Infinity": b'{"a": -Infinity}',
    "beyond all numbers": b'{"a": 1e4000}',
    "below all numbers": b'{"a": 1e-4000}',
    "an exponent that no Decimal has": b'{"a": 1e9999999999999999999}',
    "nor below": b'{"a": 1e-9999999999999999999}',
    "nor of nought": b'{"a": 0e9999999999999999999}',
    "5,000 digits": b'{"a": ' + b"9" * 5_000 + b"}",
    "duplicate key": b'{"a": 1, "a": 1}',
    "duplicate key by escape": b'{"a": 1, "\\u0061": 1}',
    "duplicate key inside": b'{"o": {"a": 1, "a": 2}}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "lone surrogate as key": b'{"\\udfff": 1}',
    "lone surrogate inside": b'{"a": [["x\\udc80"]]}',
    "raw surrogate": b'{"a": "\xed\xa0\x80"}',
    "not UTF-8": b'{"a": "\xff"}',
    "overlong UTF-8": b'{"a": "\xc0\xaf"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "raw NUL": b'{"a": "\x00"}',
    "raw newline in a string": b'{"a": "\n"}',
    "33 deep": b"[" * 33 + b"]" * 33,
    "100,000 deep": b"[" * 100_000,
    "5,000 objects deep": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "1,001 keys": json.dumps({str(n): n for n in range(1_001)}).encode(),
    "1,001 keys in many": json.dumps([{"a": 1}] * 1_001).encode(),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_what_is_doubtful_is_refused(body: bytes) -> None:
    with pytest.raises(errors.MalformedBody):
        strict_json.loads(body)


READ = {
    "32 deep": (b"[" * 32 + b"]" * 32, None),
    "brackets in a string are no depth": (b'["' + b"[" * 99 + b'"]', ["[" * 99]),
    "an escaped quote does not end a string": (
        b'["\\"' + b"[" * 99 + b'"]',
        ['"' + "[" * 99],
    ),
    "1,000 keys": (json.dumps({str(n): n for n in range(1_000)}).encode(), None),
    "a NUL escape is left to the fields": (b'"\\u0000"', "\x00"),
    "a pair of surrogates is one character": (b'"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
    "a whole number": (b"9007199254740993", 9007199254740993),
    "minus nought": (b"-0", 0),
    "a tenth": (b"0.1", Decimal("0.1")),
    "an exponent": (b"1e2", Decimal(100)),
}


@pytest.mark.parametrize(("body", "value"), READ.values(), ids=READ)
def test_what_is_strange_but_sound_is_read(body: bytes, value: Any) -> None:
    read = strict_json.loads(body)
    assert read == (json.loads(body) if value is None else value)
