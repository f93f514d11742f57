"""An event as one row of Postgres' binary COPY format: made once at the door, only
concatenated after.

The last column, the change that the event made to its counter, is appended by `track.lua`.
"""

from collections.abc import Iterator
from functools import lru_cache
from struct import Struct
from uuid import UUID

from apps.metering.events import Event

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
# Also the order of the columns in every row.
COLUMNS = (
    "tenant_id", "id", "ts", "units", "has_given_id", "billable", "metric", "mode",
    "success", "status_code", "latency_ms", "endpoint", "delta",
)  # fmt: skip
POSTGRES_EPOCH_MS = 946_684_800_000

_START = Struct(">hi16s")
_FIXED = Struct(">i16siqiqi?i?")
_SMALL = Struct(">ih")
_DOUBLE = Struct(">id")
_LENGTH = Struct(">i")
_DELTA = Struct(">q")
_NULL = _LENGTH.pack(-1)
_DELTA_FOLLOWS = _LENGTH.pack(8)
_BOOLEAN = {None: _NULL, False: b"\0\0\0\1\0", True: b"\0\0\0\1\1"}


@lru_cache(maxsize=50_000)
def _start(tenant_id: UUID) -> bytes:
    return _START.pack(len(COLUMNS), 16, tenant_id.bytes)


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    encoded = value.encode()
    return _LENGTH.pack(len(encoded)) + encoded


@lru_cache(maxsize=4_096)
def _labels(metric: str, mode: str | None, success: bool | None, status: int | None) -> bytes:
    """The columns that take few values, together."""
    status_code = _NULL if status is None else _SMALL.pack(2, status)
    return _text(metric) + _text(mode) + _BOOLEAN[success] + status_code


def encode(tenant_id: UUID, event: Event) -> bytes:
    """The row, up to and without the value of its last column."""
    latency = event.latency_ms
    return b"".join(
        (
            _start(tenant_id),
            _FIXED.pack(
                16,
                event.id,
                8,
                (event.ts_ms - POSTGRES_EPOCH_MS) * 1000,
                8,
                event.units,
                1,
                event.has_given_id,
                1,
                event.billable,
            ),
            _labels(event.metric, event.mode, event.success, event.status_code),
            _NULL if latency is None else _DOUBLE.pack(8, latency),
            _text(event.endpoint),
            _DELTA_FOLLOWS,
        )
    )


def _columns(row: bytes, position: int) -> Iterator[tuple[bytes | None, int]]:
    """The columns of the row that starts at `position`, each with where it ends."""
    position += 2
    for _ in COLUMNS:
        (length,) = _LENGTH.unpack_from(row, position)
        position += 4
        if length < 0:
            yield None, position
            continue
        end = position + length
        yield row[position:end], end
        position = end


def decode(row: bytes) -> tuple[UUID, Event]:
    """The tenant and the event of one row (its last column may be missing)."""
    found = [value for value, _ in _columns(row, 0)]
    tenant_id, event_id, ts, units, given, billable, metric, mode = found[:8]
    success, status, latency, endpoint, _ = found[8:]
    return UUID(bytes=tenant_id), Event(
        id=event_id or b"",
        has_given_id=given == b"\1",
        ts_ms=int.from_bytes(ts or b"", signed=True) // 1000 + POSTGRES_EPOCH_MS,
        metric=(metric or b"").decode(),
        units=int.from_bytes(units or b"", signed=True),
        mode=mode.decode() if mode is not None else None,
        endpoint=endpoint.decode() if endpoint is not None else None,
        status_code=int.from_bytes(status) if status is not None else None,
        success=success == b"\1" if success is not None else None,
        latency_ms=Struct(">d").unpack(latency)[0] if latency is not None else None,
        billable=billable == b"\1",
    )


def split(rows: bytes) -> list[bytes]:
    """The single rows of a packed entry; raises `ValueError` when they do not add up."""
    found, start = [], 0
    while start < len(rows):
        try:
            end = max(end for _, end in _columns(rows, start))
        except Exception as error:  # bytes that were cut anywhere fail in any way
            raise ValueError("a row is cut short") from error
        if end > len(rows):
            raise ValueError("a row is cut short")
        found.append(rows[start:end])
        start = end
    return found
