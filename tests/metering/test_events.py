"""An event on the wire (A17, X3, X5, E5)."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.metering.events import Event, iso, plain, shown, uuid_text
from tenlyr.core import clock

TENANT = UUID("00000000-0000-7000-8000-000000000001")
ID = UUID("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b")


def wire(**fields: Any) -> dict[str, Any]:
    made = {"id": ID.bytes, "has_given_id": False, "ts_ms": 1_795_262_400_007} | fields
    return shown(TENANT, Event(**{"metric": "api_call", "units": 1, **made}))


def test_the_least() -> None:
    assert wire() == {
        "id": str(ID),
        "tenantId": str(TENANT),
        "metric": "api_call",
        "value": 1,
        "endpoint": None,
        "timestamp": "2026-11-21T12:00:00.007Z",
    }


def test_what_was_given_is_shown() -> None:
    more = wire(mode="set", status_code=500, billable=False, success=False, latency_ms=1.5)
    del more["id"], more["tenantId"], more["metric"], more["value"]
    del more["endpoint"], more["timestamp"]
    assert more == {
        "mode": "set",
        "statusCode": 500,
        "billable": False,
        "success": False,
        "latencyMs": 1.5,
    }


@pytest.mark.parametrize(("units", "value"), [(2_400_000, 2.4), (3_000_000, 3), (1, 0.000001)])
def test_gigabytes(units: int, value: float) -> None:
    shown_value = wire(metric="storage_gb", units=units)["value"]
    assert (shown_value, type(shown_value)) == (value, type(value))


def test_whole_numbers_are_whole() -> None:
    assert [plain(number) for number in (12.0, 12.5)] == [12, 12.5]
    assert isinstance(plain(12.0), int)


@given(st.integers(0, 4_000_000_000_000))
def test_moments_are_as_everywhere(ts_ms: int) -> None:
    moment = datetime.fromtimestamp(ts_ms // 1000, UTC).replace(microsecond=ts_ms % 1000 * 1000)
    assert iso(ts_ms) == clock.iso(moment)


@given(st.uuids())
def test_uuid_text(value: UUID) -> None:
    assert uuid_text(value.bytes) == str(value)
