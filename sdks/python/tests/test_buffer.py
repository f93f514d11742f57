"""The buffered `track`: nothing lost, nothing twice, bounded, and it ends with the process."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Optional

import pytest
from buffering import WITHIN_S, Counter, both, soon, use
from replaying import KEYS

import tenlyr


@both
def test_everything_is_sent_in_batches_of_one_tenant(kind: str) -> None:
    keys = (KEYS["$TENANT"], KEYS["$OTHER_TENANT"])
    with Counter() as server:
        ids = use(
            kind,
            server.url,
            lambda buffer: ({"tenant_key": keys[i % 2]} for i in range(1000)),
            flush_events=100,
        )
    assert server.counted == {one: keys[i % 2] for i, one in enumerate(ids)}
    assert max(server.sizes) <= 100


@both
def test_nothing_is_lost_or_counted_twice_over_failures(kind: str) -> None:
    with Counter(500, 503, 429, 500, 503) as server:
        ids = use(
            kind, server.url, lambda buffer: ({} for _ in range(500)), **soon, flush_events=50
        )
    assert set(server.counted) == set(ids)
    assert sum(server.sizes) > len(ids)


@both
def test_a_server_that_is_away_and_comes_back(kind: str) -> None:
    with Counter() as server:

        def act(buffer: Any) -> Any:
            server.is_down = True
            yield from ({} for _ in range(20))
            yield "flush"
            server.is_down = False
            yield from ({} for _ in range(20))
            yield "flush"

        said = use(kind, server.url, act, **soon, flush_events=10)
    assert (type(said[20]), said[41]) == (tenlyr.TenlyrNetworkError, None)
    assert set(server.counted) == {*said[:20], *said[21:41]}


@both
def test_what_is_refused_for_good_is_told_and_the_rest_is_counted(kind: str) -> None:
    told: list[Any] = []
    with Counter() as server:
        server.refuse = lambda event: 422 if event["value"] == 7 else None
        ids = use(
            kind,
            server.url,
            lambda buffer: ({"value": i} for i in range(10)),
            on_error=lambda event, error: told.append((event["id"], error)),
        )
    assert [(one, type(error)) for one, error in told] == [(ids[7], tenlyr.InvalidRequestError)]
    assert set(server.counted) == set(ids) - {ids[7]}


@both
@pytest.mark.parametrize("bad", [{"value": float("nan")}, {"endpoint": "\udc80"}, {"value": set()}])
def test_an_event_that_cannot_be_sent_is_told_at_once_and_holds_up_nothing(
    kind: str, bad: Any
) -> None:
    with Counter() as server:
        said = use(kind, server.url, lambda buffer: [{}, bad, {}], **soon)
    assert isinstance(said[1], (ValueError, TypeError))
    assert set(server.counted) == {said[0], said[2]}


@both
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_batch_that_is_refused_as_a_whole_is_sent_in_parts(kind: str, status: int) -> None:
    """An event that spoils its batch, and batches that are too large for something between."""
    told: list[Any] = []
    with Counter() as server:
        server.refuse_whole = lambda events: (
            status if len(events) > 4 or any(one["value"] == 7 for one in events) else 0
        )
        ids = use(
            kind,
            server.url,
            lambda buffer: ({"value": i} for i in range(20)),
            on_error=lambda event, error: told.append((event["id"], error.status_code)),
        )
    assert told == [(ids[7], status)]
    assert list(server.counted) == [one for one in ids if one != ids[7]]


@pytest.fixture
def five(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Five events are one batch, however slowly they come; one that fails is sent again at once."""
    monkeypatch.setattr("tenlyr._backlog.wait_s", lambda *_: 0.0)
    return {"flush_events": 5, "flush_interval_ms": 600_000}


@both
@pytest.mark.parametrize("status", [408, 409, 425, 302])
def test_what_may_pass_is_sent_again(kind: str, status: int, five: dict[str, Any]) -> None:
    with Counter(status, status) as server:
        ids = use(kind, server.url, lambda buffer: ({} for _ in range(5)), **five)
    assert (set(server.counted), server.sizes) == (set(ids), [5, 5, 5])


@both
def test_a_throttled_event_is_sent_again(kind: str, five: dict[str, Any]) -> None:
    seen: set[str] = set()

    def refuse(event: Any) -> Optional[int]:
        first = event["id"] not in seen
        seen.add(event["id"])
        return 429 if first and event["value"] == 3 else None

    with Counter() as server:
        server.refuse = refuse
        ids = use(kind, server.url, lambda buffer: ({"value": i} for i in range(5)), **five)
    assert (list(server.counted), server.sizes[-1]) == ([*ids[:3], ids[4], ids[3]], 1)


@both
def test_a_refused_key_does_not_hold_up_others(kind: str) -> None:
    told: list[Any] = []
    with Counter(401) as server:
        server.counted = {}
        ids = use(
            kind,
            server.url,
            lambda buffer: [{"tenant_key": KEYS["$OTHER_TENANT"]}, {}],
            on_error=lambda event, error: told.append((event["id"], type(error))),
        )
    assert told == [(ids[0], tenlyr.AuthenticationError)]
    assert server.counted[ids[1]] == KEYS["$TENANT"]


@both
def test_a_full_buffer_drops_by_choice(kind: str) -> None:
    dropped: list[Any] = []
    with Counter() as server:
        server.gate.clear()

        def act(buffer: Any) -> Any:
            yield from ({"value": i} for i in range(15))
            server.gate.set()

        options: Any = {"max_events": 10, "flush_events": 10, "when_full": "drop"}
        ids = use(kind, server.url, act, **options, on_drop=dropped.append)
    assert ids[10:] == [None] * 5
    assert [event["value"] for event in dropped] == [10, 11, 12, 13, 14]
    assert set(server.counted) == set(ids[:10])


@both
def test_a_full_buffer_waits_and_never_holds_more(kind: str) -> None:
    held: list[int] = []

    def act(buffer: Any) -> Any:
        for _ in range(200):
            held.append(buffer.pending)
            yield {}

    with Counter() as server:
        ids = use(kind, server.url, act, max_events=10, flush_events=5)
    assert max(held) <= 10
    assert set(server.counted) == set(ids)


@both
def test_what_cannot_be_sent_at_the_end_is_told(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    # The wait before a second try would be longer.
    monkeypatch.setattr("tenlyr._backlog.CLOSE_WITHIN_S", 10.0)
    with Counter() as server:
        server.is_down = True
        ids = use(
            kind,
            server.url,
            lambda buffer: ({} for _ in range(3)),
            flush_interval_ms=600_000,
            on_error=lambda event, error: told.append((event["id"], type(error))),
        )
    assert told == [(one, tenlyr.TenlyrNetworkError) for one in ids]


@both
def test_a_closed_buffer_takes_nothing(kind: str) -> None:
    with Counter() as server, pytest.raises(RuntimeError, match="closed"):
        use(kind, server.url, lambda buffer: [{}, "close", {}])
    assert len(server.counted) == 1


@both
def test_a_key_that_cannot_be_one_is_told_at_once(kind: str) -> None:
    with Counter() as server, pytest.raises(tenlyr.AuthenticationError):
        use(kind, server.url, lambda buffer: [{"tenant_key": "nonsense"}])
    assert server.sizes == []


def test_many_threads_may_track() -> None:
    with Counter() as server, tenlyr.TenlyrSync(KEYS["$ADMIN"], base_url=server.url) as client:
        buffer = client.usage.buffer(max_events=50, flush_events=25)

        def track() -> None:
            for _ in range(100):
                buffer.track(tenant_key=KEYS["$TENANT"], metric="api_call", value=1)

        threads = [threading.Thread(target=track) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        buffer.flush()
        assert len(server.counted) == 800


def test_the_end_of_the_process_sends_what_is_left() -> None:
    program = (
        "import tenlyr\n"
        f"client = tenlyr.TenlyrSync({KEYS['$ADMIN']!r}, base_url={{url!r}})\n"
        "buffer = client.usage.buffer(flush_interval_ms=600000)\n"
        "for i in range(7):\n"
        f"    buffer.track(tenant_key={KEYS['$TENANT']!r}, metric='api_call', value=1)\n"
    )
    source = str(Path(__file__).parent.parent / "src")
    with Counter() as server:
        command = [sys.executable, "-c", program.replace("{url!r}", repr(server.url))]
        subprocess.run(command, check=True, env={"PYTHONPATH": source}, timeout=WITHIN_S)
    assert len(server.counted) == 7


@pytest.mark.parametrize(
    "options", [{"flush_events": 0}, {"max_events": 10}, {"flush_interval_ms": 0}]
)
def test_options_that_make_no_sense(options: Any) -> None:
    with tenlyr.TenlyrSync(KEYS["$ADMIN"]) as client, pytest.raises(ValueError, match="flush"):
        client.usage.buffer(**options)
