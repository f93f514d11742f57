"""Rows for Postgres' binary COPY: what is encoded here is what Postgres decodes there."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.isolation.public import control_fleet
from apps.metering import inserting, rows
from apps.metering.events import Event
from tenlyr.core.metrics import Metric

DELTA = (7).to_bytes(8)
PLAIN = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])
EVENTS = st.builds(
    Event,
    id=st.binary(min_size=16, max_size=16),
    has_given_id=st.booleans(),
    ts_ms=st.integers(0, 4_000_000_000_000),
    metric=st.sampled_from([str(metric) for metric in Metric]),
    units=st.integers(0, 10**18),
    mode=st.sampled_from([None, "increment", "set", "decrement"]),
    endpoint=st.none() | st.text(PLAIN, max_size=255),
    status_code=st.none() | st.integers(100, 599),
    success=st.none() | st.booleans(),
    latency_ms=st.none() | st.floats(0, 3_600_000),
    billable=st.booleans(),
)


def copied(tenant_id: UUID, events: list[Event]) -> list[tuple[Any, ...]]:
    """The events after a journey through Postgres; nothing stays there."""
    parts = [rows.encode(tenant_id, one) + n.to_bytes(8) for n, one in enumerate(events)]
    with control_fleet() as connection, connection.cursor() as cursor:
        with cursor.copy(inserting.COPY) as copy:
            copy.write(b"".join((rows.HEADER, *parts, rows.TRAILER)))
        cursor.execute(f"DELETE FROM metering_staging RETURNING {', '.join(rows.COLUMNS)}")
        # By their last column: what a table answers has no order of its own.
        return sorted(cursor.fetchall(), key=lambda row: row[-1])


@settings(max_examples=50)
@given(st.uuids(), st.lists(EVENTS, min_size=1, max_size=5))
def test_postgres_reads_what_was_written(tenant_id: UUID, events: list[Event]) -> None:
    assert copied(tenant_id, events) == [
        (
            tenant_id,
            UUID(bytes=event.id),
            datetime.fromtimestamp(event.ts_ms // 1000, UTC).replace(
                microsecond=event.ts_ms % 1000 * 1000
            ),
            event.units,
            event.has_given_id,
            event.billable,
            event.metric,
            event.mode,
            event.success,
            event.status_code,
            event.latency_ms,
            event.endpoint,
            number,
        )
        for number, event in enumerate(events)
    ]


@given(st.uuids(), EVENTS)
def test_decoding_undoes_encoding(tenant_id: UUID, event: Event) -> None:
    row = rows.encode(tenant_id, event)
    assert rows.decode(row) == rows.decode(row + DELTA) == (tenant_id, event)


@given(st.uuids(), st.lists(EVENTS, max_size=5))
def test_packed_rows_come_apart_again(tenant_id: UUID, events: list[Event]) -> None:
    single = [rows.encode(tenant_id, event) + DELTA for event in events]
    assert rows.split(b"".join(single)) == single


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_row_cut_short_is_noticed(cut: int) -> None:
    event = Event(uuid4().bytes, False, 0, "seats", 1)
    packed = (rows.encode(uuid4(), event) + DELTA) * 2
    with pytest.raises(ValueError, match="cut short"):
        rows.split(packed[:-cut])
