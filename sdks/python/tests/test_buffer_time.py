"""The time of a buffered event: when it was taken, or the server's, or the caller's."""

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from buffering import Counter, both, late, soon, use


class Clock:
    """What the buffer's clock shows: `now`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
        self.now = now
        shown = SimpleNamespace(now=lambda zone: self.now.astimezone(zone))
        monkeypatch.setattr("tenlyr._backlog.datetime", shown)


@both
def test_an_event_has_the_time_at_which_it_was_taken(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes between: here the end of a month, and a batch that is sent twice."""
    clock = Clock(monkeypatch, datetime(2026, 10, 31, 23, 59, 59, 987_654, timezone.utc))
    given = datetime(2026, 10, 1, 10, tzinfo=timezone(timedelta(hours=2)))

    def act(buffer: Any) -> Any:
        yield from ({}, {"timestamp": None}, {"timestamp": given}, {"timestamp": "2026-10-02"})
        clock.now += timedelta(days=1)
        yield "flush"

    with Counter(503) as server:
        use(kind, server.url, act, **late)
    taken = "2026-10-31T23:59:59.987Z"
    assert server.times == [taken, taken, "2026-10-01T10:00:00.000+02:00", "2026-10-02"] * 2


@both
def test_a_time_that_is_not_accepted_is_left_to_the_server(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch, datetime(2001, 1, 1, tzinfo=timezone.utc))
    taken, given = "2001-01-01T00:00:00.000Z", "1999-01-01T00:00:00Z"
    told: list[Any] = []
    with Counter() as server:
        server.refuse = lambda event: 422 if "timestamp" in event or event["value"] == 7 else None
        ids = use(
            kind,
            server.url,
            lambda buffer: [{}, {"timestamp": given}, {"value": 7}],
            on_error=lambda event, error: told.append((event["id"], event["timestamp"])),
            **late,
        )
    assert server.times == [taken, given, taken, None, None]
    assert set(server.counted) == {ids[0]}
    assert told == [(ids[1], given), (ids[2], taken)]


@both
def test_it_stays_with_the_server_when_that_resend_is_repeated(kind: str) -> None:
    answers = [422, 503, None]
    with Counter() as server:
        server.refuse = lambda event: answers.pop(0)
        ids = use(kind, server.url, lambda buffer: [{}], **soon)
    assert [at is None for at in server.times] == [False, True, True]
    assert set(server.counted) == set(ids)
