"""From the bytes of a request to events, or to what is wrong with them (R13, X3, X3b, X23).

The usual body is decoded straight into `Fields`. Whatever that refuses, and whatever might
name a field twice, is read again by the kernel's strict parser, which then says what is wrong.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Context, Decimal, Inexact
from enum import StrEnum
from hashlib import sha1
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Raw, Struct

from apps.metering.events import UNBILLABLE_FROM, Event
from apps.metering.periods import DAY_MS
from tenlyr.core import errors, ids, strict_json
from tenlyr.core.metrics import GAUGES, LARGEST_VALUE, SCALE, Metric

OLDEST_MS = 35 * DAY_MS
NEWEST_MS = 5 * 60_000
LONGEST_TEXT = 255
LONGEST_LATENCY_MS = 3_600_000
MOST_EVENTS = 10_000
# What the kernel calls not plain: control characters, lone surrogates, bidirectional overrides.
NOT_PLAIN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
NUMBER = re.compile(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
# Raises rather than round: a value is counted exactly as it was written, or refused.
EXACT = Context(prec=60, traps=[Inexact])
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Mode(StrEnum):
    """How an event changes a gauge (X3b)."""

    INCREMENT = "increment"
    SET = "set"
    DECREMENT = "decrement"


class Fields(Struct, forbid_unknown_fields=True, rename="camel", gc=False):
    """An event's JSON object."""

    metric: Metric
    value: Raw
    endpoint: Annotated[str, Meta(max_length=LONGEST_TEXT)] | None = None
    status_code: Annotated[int, Meta(ge=100, le=599)] | None = None
    success: bool | None = None
    latency_ms: Annotated[float, Meta(ge=0, le=LONGEST_LATENCY_MS)] | None = None
    timestamp: Annotated[datetime, Meta(tz=True)] | None = None
    id: Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)] | None = None
    mode: Mode | None = None


_object = msgspec.json.Decoder(Fields)
_objects = msgspec.json.Decoder(list[Fields])
_items = msgspec.json.Decoder(list[Raw])

Outcome = Event | errors.ApiError


def one(body: bytes, *, tenant_id: UUID, key: str | None, now_ms: int) -> Event:
    """The event of a request; raises 400 or 422. `key` is the Idempotency-Key, the id by
    default.
    """
    return _settle(_fields(body), tenant_id, key, now_ms)


def many(
    body: bytes, *, is_lines: bool, tenant_id: UUID, key: str | None, now_ms: int
) -> list[Outcome]:
    """The events of a batch, each or what is wrong with it; raises when the whole cannot be
    read.
    """
    if not is_lines and (found := _all_at_once(body)) is not None:
        parts: list[Fields | bytes] = list(found)
    else:
        parts = list(_lines(body) if is_lines else _array(body))
    if len(parts) > MOST_EVENTS:
        raise errors.invalid("", "too_many", f"At most {MOST_EVENTS} events a call.")
    return [
        _outcome(part, tenant_id, None if key is None else f"{key}#{index}", now_ms)
        for index, part in enumerate(parts)
    ]


def _all_at_once(body: bytes) -> list[Fields] | None:
    """The fast way through an array: None unless all of it is plainly right."""
    try:
        found = _objects.decode(body)
    except UNREADABLE:
        return None
    return found if sum(map(_quotes, found)) == body.count(b'"') else None


def _array(body: bytes) -> list[bytes]:
    try:
        return [bytes(item) for item in _items.decode(body)]
    except msgspec.ValidationError as error:
        raise _no_array(body) from error
    except UNREADABLE as error:
        raise errors.MalformedBody(internal=str(error)[:200]) from error


def _no_array(body: bytes) -> errors.ApiError:
    """What begins unlike an array is JSON of another kind, or none."""
    try:
        msgspec.json.decode(body)
    except UNREADABLE as error:
        return errors.MalformedBody(internal=str(error)[:200])
    return errors.invalid("", "not_a_list", "Must be a JSON array of events.")


def _lines(body: bytes) -> Iterator[bytes]:
    return (line for line in body.split(b"\n") if line.strip())


def _outcome(part: Fields | bytes, tenant_id: UUID, key: str | None, now_ms: int) -> Outcome:
    try:
        fields = part if isinstance(part, Fields) else _fields(part)
        return _settle(fields, tenant_id, key, now_ms)
    except errors.ApiError as error:
        return error


def _quotes(fields: Fields) -> int:
    """How many quotation marks the object has if it names no field twice and escapes none."""
    return (
        6
        + 4 * (fields.endpoint is not None)
        + 2 * (fields.status_code is not None)
        + 2 * (fields.success is not None)
        + 2 * (fields.latency_ms is not None)
        + 4 * (fields.timestamp is not None)
        + 4 * (fields.id is not None)
        + 4 * (fields.mode is not None)
    )


def _fields(body: bytes) -> Fields:
    try:
        fields = _object.decode(body)
        if body.count(b'"') == _quotes(fields):
            return fields
    except UNREADABLE as error:
        wrong = _wrong(strict_json.loads(body))
        raise errors.InvalidRequest(wrong or [_said("", str(error)[:200])]) from error
    # A mark more than expected: a field named twice, which this refuses, or an escaped mark.
    strict_json.loads(body)
    return fields


def _settle(fields: Fields, tenant_id: UUID, key: str | None, now_ms: int) -> Event:
    """The event behind well-formed fields; raises what only their meaning shows."""
    metric, mode, status = fields.metric, fields.mode, fields.status_code
    if mode is not None and mode is not Mode.INCREMENT and metric not in GAUGES:
        raise errors.invalid("mode", "invalid", f"{metric} can only be incremented.")
    endpoint = fields.endpoint
    if endpoint is not None and not _is_plain(endpoint):
        raise errors.invalid("endpoint", "not_plain", "Contains a character that is not allowed.")
    ts_ms = now_ms if fields.timestamp is None else _moment(fields.timestamp, now_ms)
    given = fields.id if fields.id is not None else key
    return Event(
        ids.uuid7_int().to_bytes(16) if given is None else identity(tenant_id, given),
        given is not None,
        ts_ms,
        metric,
        _units(metric, mode, bytes(fields.value)),
        mode,
        endpoint,
        status,
        fields.success,
        fields.latency_ms,
        status is None or status < UNBILLABLE_FROM,
    )


def identity(tenant_id: UUID, given: str) -> bytes:
    """The id that a client's own becomes: a UUID as it is, else UUIDv5 of tenant and text (X23)."""
    if len(given) == 36 and given[8] == given[13] == given[18] == given[23] == "-":
        try:
            raw = bytes.fromhex(given.replace("-", ""))
        except ValueError:
            raw = b""
        if len(raw) == 16:
            return raw
    return _uuid5(tenant_id, given)


def _uuid5(tenant_id: UUID, name: str) -> bytes:
    """As `uuid.uuid5`, in a third of its time: a batch may need ten thousand."""
    digest = bytearray(sha1(tenant_id.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    return bytes(digest)


def _is_plain(text: str) -> bool:
    return (text.isascii() and text.isprintable()) or NOT_PLAIN.search(text) is None


def _moment(timestamp: datetime, now_ms: int) -> int:
    ts_ms = round(timestamp.timestamp() * 1e6) // 1000
    if not now_ms - OLDEST_MS <= ts_ms <= now_ms + NEWEST_MS:
        raise errors.invalid(
            "timestamp", "out_of_range", "Must be within the last 35 days, at most 5 minutes ahead."
        )
    return ts_ms


def _units(metric: Metric, mode: Mode | None, raw: bytes) -> int:
    """A value in counter units; exact, or an error."""
    scale = SCALE[metric]
    if len(raw) <= 12 and raw.isdigit():
        units: int | Decimal = int(raw) * scale
    else:
        units = _exactly(raw, scale)
    least = 0 if mode is Mode.SET else 1
    if not least <= units <= LARGEST_VALUE * scale:
        raise errors.invalid("value", "out_of_range", _VALUE_RANGE[scale == 1])
    return int(units)


def _exactly(raw: bytes, scale: int) -> Decimal:
    if NUMBER.fullmatch(raw) is None:
        raise errors.invalid("value", "invalid", "Must be a number.")
    try:
        number = EXACT.multiply(EXACT.create_decimal(raw.decode()), Decimal(scale))
        return EXACT.to_integral_exact(number)
    except ArithmeticError as error:
        raise errors.invalid("value", "invalid", _VALUE_RULE[scale == 1]) from error


_VALUE_RULE = {True: "Must be a whole number.", False: "May have 6 decimals at most."}
_VALUE_RANGE = {
    True: f"Must be from 1 to {LARGEST_VALUE} (or 0 with mode set).",
    False: f"Must be above 0 (or 0 with mode set), at most {LARGEST_VALUE}.",
}


# ---- What is wrong with an object that the fast decoder refused: all fields, in words.
def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT


def _is_moment(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(msgspec.convert(value, _Moment))
    except msgspec.ValidationError:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


_Moment = Annotated[datetime, Meta(tz=True)]
_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "metric": (
        lambda value: isinstance(value, str) and value in set(Metric),
        f"Must be one of {', '.join(Metric)}.",
    ),
    "value": (_is_number, "Must be a number."),
    "endpoint": (
        lambda value: isinstance(value, str) and len(value) <= LONGEST_TEXT,
        f"Must be a string of at most {LONGEST_TEXT} characters.",
    ),
    "statusCode": (
        lambda value: type(value) is int and 100 <= value <= 599,
        "Must be a whole number from 100 to 599.",
    ),
    "success": (lambda value: isinstance(value, bool), "Must be true or false."),
    "latencyMs": (
        lambda value: _is_number(value) and 0 <= value <= LONGEST_LATENCY_MS,
        f"Must be a number from 0 to {LONGEST_LATENCY_MS}.",
    ),
    "timestamp": (_is_moment, "Must be an RFC 3339 date and time with its zone."),
    "id": (_is_text, f"Must be a string of 1 to {LONGEST_TEXT} characters."),
    "mode": (
        lambda value: isinstance(value, str) and value in set(Mode),
        f"Must be one of {', '.join(Mode)}.",
    ),
}
_REQUIRED = ("metric", "value")


def _said(field: str, message: str, code: str = "invalid") -> dict[str, str]:
    return {"field": field, "code": code, "message": message}


def _wrong(data: Any) -> list[dict[str, str]]:
    if not isinstance(data, dict):
        return [_said("", "Must be a JSON object.", "not_an_object")]
    found = [
        _said(name[:100], "Unknown field.", "unknown_field") for name in data if name not in _CHECKS
    ][:20]
    found += [
        _said(name, "This field is required.", "required") for name in _REQUIRED if name not in data
    ]
    for name, (is_right, message) in _CHECKS.items():
        value = data.get(name)
        if name in data and not (value is None and name not in _REQUIRED) and not is_right(value):
            found.append(_said(name, message))
    return found
