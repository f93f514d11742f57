"""Strict JSON: what is doubtful is refused before any field is looked at (R13, B01-B04).

No REST framework here: the hot path reads with it too.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from tenlyr.core import errors

DEEPEST = 32
MOST_KEYS = 1_000


def loads(body: bytes) -> Any:
    """Parse strictly; raises `MalformedBody`. Decimals stay exact."""
    keys = 0

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal keys
        keys += len(pairs)
        found = dict(pairs)
        if len(found) != len(pairs):
            raise errors.MalformedBody("The request body names a field twice.")
        if keys > MOST_KEYS:
            raise errors.MalformedBody("The request body has too many fields.")
        return found

    try:
        text = body.decode("utf-8")
        if _depth(text) > DEEPEST:
            raise errors.MalformedBody("The request body is nested too deeply.")
        value = json.loads(
            text, object_pairs_hook=unique, parse_float=_decimal, parse_constant=_no_constant
        )
        if "\\u" in text:
            _refuse_surrogates(value)
    except (ValueError, RecursionError) as error:
        raise errors.MalformedBody(internal=str(error)[:200]) from error
    return value


def _depth(text: str) -> int:
    """An upper bound of the nesting, taken before the parser recurses."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return 0
    deepest = depth = 0
    in_string = escaped = False
    for letter in text:
        if in_string:
            in_string = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
        elif letter == '"':
            in_string = True
        elif letter in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "]}":
            depth -= 1
    return deepest


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:  # an exponent beyond what a Decimal can have
        raise ValueError("number out of range") from error
    if not number.is_finite() or abs(number.adjusted()) > 400:
        raise ValueError("number out of range")
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _refuse_surrogates(value: Any) -> None:
    """A lone surrogate is no character: it cannot be stored or sent back."""
    json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
