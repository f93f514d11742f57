"""The one clock."""

from datetime import UTC, datetime, timedelta, timezone

import time_machine

from tenlyr.core import clock


def test_now_is_aware_and_in_utc() -> None:
    with time_machine.travel("2026-11-21T04:05:06.789Z", tick=False):
        assert clock.now() == datetime(2026, 11, 21, 4, 5, 6, 789_000, UTC)
        assert clock.now().tzinfo is UTC
        assert clock.epoch_ms() == 1_795_233_906_789


def test_iso_is_utc_with_milliseconds() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert clock.iso(datetime(2026, 1, 1, 0, 0, 0, 999, east)) == "2025-12-31T18:30:00.000Z"
    assert clock.iso(datetime(2026, 1, 1, 0, 0, 0, 999_999, UTC)) == "2026-01-01T00:00:00.999Z"
