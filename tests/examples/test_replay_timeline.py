"""The shift of times: the latest line is now, and nothing leaves the month."""

import pytest
from access_log_replay.loglines import LogLine
from access_log_replay.timeline import iso, month_start_ms, parse_iso, timeline
from hypothesis import given
from hypothesis import strategies as st

DAY_MS = 86_400_000
NOW_MS = parse_iso("2026-11-21T08:00:00.250Z")
MOMENTS_MS = st.integers(parse_iso("2000-01-01T00:00Z"), parse_iso("2090-01-01T00:00Z"))


def lines_at(*times_ms: int) -> list[LogLine]:
    return [LogLine(n, "192.0.2.1", at, "/", 200, "") for n, at in enumerate(times_ms, 1)]


class TestTimeline:
    def test_a_short_span_is_only_moved(self) -> None:
        moved = timeline(lines_at(0, 5_000, 60_000), until_ms=NOW_MS, now_ms=NOW_MS)
        assert not moved.is_compressed
        assert [NOW_MS - moved.shift(at) for at in (0, 5_000, 60_000)] == [60_000, 55_000, 0]

    def test_the_latest_line_is_now_even_if_it_is_not_the_last(self) -> None:
        moved = timeline(lines_at(0, 9_000, 3_000), until_ms=NOW_MS, now_ms=NOW_MS)
        assert moved.shift(9_000) == NOW_MS
        assert moved.shift(3_000) == NOW_MS - 6_000

    def test_a_span_over_the_months_start_is_compressed_evenly(self) -> None:
        moved = timeline(lines_at(0, 30 * DAY_MS, 60 * DAY_MS), until_ms=NOW_MS, now_ms=NOW_MS)
        start_ms = month_start_ms(NOW_MS)
        assert moved.is_compressed
        assert moved.shift(0) == start_ms
        assert moved.shift(30 * DAY_MS) == (start_ms + NOW_MS) // 2
        assert moved.shift(60 * DAY_MS) == NOW_MS

    def test_one_moment_needs_no_span(self) -> None:
        assert timeline(lines_at(5, 5), until_ms=NOW_MS, now_ms=NOW_MS).shift(5) == NOW_MS

    def test_the_first_moment_of_a_month_has_room_for_any_span(self) -> None:
        start_ms = month_start_ms(NOW_MS)
        moved = timeline(lines_at(0, 7 * DAY_MS), until_ms=start_ms, now_ms=start_ms)
        assert moved.shift(0) == moved.shift(7 * DAY_MS) == start_ms

    def test_a_run_resumed_in_the_next_month_stays_in_the_window(self) -> None:
        until_ms = NOW_MS - 20 * DAY_MS
        moved = timeline(lines_at(0, 90 * DAY_MS), until_ms=until_ms, now_ms=NOW_MS)
        assert moved.shift(0) >= NOW_MS - 34 * DAY_MS

    @given(
        MOMENTS_MS,
        st.lists(st.integers(0, 4_000_000_000).map(lambda at_s: at_s * 1000), min_size=1),
    )
    def test_order_month_and_window_hold_for_any_log(self, now_ms: int, at: list[int]) -> None:
        moved = timeline(lines_at(*at), until_ms=now_ms, now_ms=now_ms)
        shifted = [moved.shift(one) for one in sorted(at)]
        assert shifted == sorted(shifted)
        assert shifted[-1] == now_ms
        assert shifted[0] >= month_start_ms(now_ms)
        assert now_ms - shifted[0] < 35 * DAY_MS
        assert iso(shifted[0])[:7] == iso(now_ms)[:7]


class TestIso:
    @given(MOMENTS_MS)
    def test_there_and_back(self, at_ms: int) -> None:
        assert parse_iso(iso(at_ms)) == at_ms

    def test_is_what_the_wire_wants(self) -> None:
        assert iso(NOW_MS) == "2026-11-21T08:00:00.250Z"

    def test_a_time_without_a_zone_is_refused(self) -> None:
        with pytest.raises(ValueError, match="zone"):
            parse_iso("2026-11-21T08:00:00")
