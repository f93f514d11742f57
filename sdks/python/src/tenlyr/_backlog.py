"""Events on their way: how many, whose, in which batches, and what became of them."""

import itertools
import logging
import random
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Callable, Deque, Dict, List, Literal, Optional, Sequence, Tuple, cast

from tenlyr import _errors
from tenlyr._calls import Maybe, NotGiven, When, encoded, given
from tenlyr._enums import UsageMetric, UsageMode
from tenlyr._inputs import TrackEvent, new_id, wire_event
from tenlyr._types import Batch

CLOSE_WITHIN_S = 30.0
LONGEST_WAIT_S = 30.0
# Besides 5xx: too slow, an earlier try still under way, too early, too many.
PASSING = frozenset({408, 409, 425, 429})
# What a batch as a whole may be answered for the sake of one event, or of its size.
OF_ONE = frozenset({400, 413, 422})
UNACCEPTABLE = 422
WhenFull = Literal["wait", "drop"]
OnDrop = Callable[[TrackEvent], None]
OnError = Callable[[TrackEvent, _errors.TenlyrError], None]
log = logging.getLogger("tenlyr")


@dataclass(frozen=True)
class BufferOptions:
    """How a buffer works; what each means stands at `usage.buffer`."""

    max_events: int = 10_000
    flush_events: int = 500
    flush_interval_ms: float = 1000
    when_full: WhenFull = "wait"
    on_drop: Optional[OnDrop] = None
    on_error: Optional[OnError] = None

    def __post_init__(self) -> None:
        if not 1 <= self.flush_events <= min(self.max_events, 10_000):
            raise ValueError("flush_events is at least 1, at most 10,000 and at most max_events")
        if self.flush_interval_ms <= 0:
            raise ValueError("flush_interval_ms is above 0")


@dataclass(frozen=True)
class Held:
    """An event with its id and time. `clock` tells the time: the server's, when it refused ours."""

    event: TrackEvent
    clock: Literal["caller", "buffer", "server"]

    def wire(self) -> Dict[str, Any]:
        """The event as it goes out."""
        event = wire_event(self.event)
        if self.clock == "server":
            del event["timestamp"]
        return event


class Backlog:
    """The events of a buffer, by tenant key, in their order. One sender at a time settles them."""

    def __init__(self, options: BufferOptions) -> None:
        self._options = options
        self._waiting: Dict[str, Deque[Held]] = {}
        self.count = 0

    @property
    def is_full(self) -> bool:
        """Whether there is no room for one more."""
        return self.count >= self._options.max_events

    @property
    def is_due(self) -> bool:
        """Whether there is enough for a batch."""
        return self.count >= self._options.flush_events

    def add(self, key: str, held: Held) -> None:
        """Keep an event."""
        self._waiting.setdefault(key, deque()).append(held)
        self.count += 1

    def batches(self) -> List[Tuple[str, List[Held]]]:
        """The next batch of each tenant; they stay here until they are settled."""
        size = self._options.flush_events
        waiting = list(self._waiting.items())
        return [(key, list(itertools.islice(events, size))) for key, events in waiting if events]

    def settle(self, key: str, batch: Sequence[Held], kept: Sequence[Held]) -> None:
        """Forget a batch that was sent, but for what is to be sent again."""
        events = self._waiting[key]
        for _ in batch:
            events.popleft()
        events.extendleft(reversed(kept))
        self.count -= len(batch) - len(kept)
        if not events:
            del self._waiting[key]

    def drain(self) -> List[TrackEvent]:
        """All that is left, which this forgets."""
        left = [held.event for events in self._waiting.values() for held in events]
        self._waiting, self.count = {}, 0
        return left


@dataclass(frozen=True)
class Verdict:
    """What became of a batch: events to send again and why, and events refused for good.

    `untimed` are events to send at once, without the time that the server did not accept.
    """

    kept: List[Held]
    refused: List[Tuple[TrackEvent, _errors.TenlyrError]]
    error: Optional[_errors.TenlyrError] = None
    untimed: List[Held] = field(default_factory=list)


def judged(batch: Sequence[Held], answer: Batch) -> Verdict:
    """What an answer means for each event."""
    kept: List[Held] = []
    untimed: List[Held] = []
    refused: List[Tuple[TrackEvent, _errors.TenlyrError]] = []
    last: Optional[_errors.TenlyrError] = None
    results = {result.index: result for result in answer.results or []}
    for index, held in enumerate(batch):
        result = results.get(index)
        if result is None or result.status == 201:
            continue
        said = {"code": result.code, "message": result.message}
        error = _errors.of_answer(result.status, said, None)
        if _is_passing(error):
            kept.append(held)
            last = error
        elif held.clock == "buffer" and error.status_code == UNACCEPTABLE:
            untimed.append(replace(held, clock="server"))
        else:
            refused.append((held.event, error))
    return Verdict(kept, refused, last, untimed)


def failed(batch: Sequence[Held], error: _errors.TenlyrError) -> Verdict:
    """What an error of the whole call means: all again, or none."""
    if _is_passing(error):
        return Verdict(list(batch), [], error)
    return Verdict([], [(held.event, error) for held in batch])


def _is_passing(error: _errors.TenlyrError) -> bool:
    """Whether the same event may be taken later. A time-out is: ids keep it from counting twice."""
    status = error.status_code
    # Without a status, or below 400, nothing but something between has answered, if anybody.
    if status is None or status < 400:
        return True
    return status in PASSING or (status >= 500 and status != 501)


def halves(
    batch: Sequence[Held], error: _errors.TenlyrError
) -> Optional[Tuple[Sequence[Held], Sequence[Held]]]:
    """A batch in two, when it was refused as a whole and one event, or its size, may be why."""
    middle = len(batch) // 2
    return (batch[:middle], batch[middle:]) if middle and error.status_code in OF_ONE else None


def joined(first: Verdict, second: Verdict) -> Verdict:
    """What became of two parts of a batch, the second of which was sent later."""
    return Verdict(
        [*first.kept, *second.kept],
        [*first.refused, *second.refused],
        second.error or first.error,
    )


def is_everybodys(error: _errors.TenlyrError) -> bool:
    """Whether other tenants' batches would fail the same way."""
    return isinstance(error, (_errors.TenlyrNetworkError, _errors.TenlyrTimeoutError))


def wait_s(failures: int, error: _errors.TenlyrError, interval_ms: float) -> float:
    """Seconds until the next try, after so many failures in a row."""
    if isinstance(error, _errors.RateLimitError) and error.retry_after is not None:
        return min(error.retry_after, LONGEST_WAIT_S)
    longest = min(interval_ms / 1000 * 2.0 ** min(failures - 1, 10), LONGEST_WAIT_S)
    return longest * (0.5 + random.random() / 2)


def tell_dropped(options: BufferOptions, event: TrackEvent) -> None:
    """An event for which there was no room."""
    if options.on_drop is None:
        log.warning("An event was dropped: the buffer is full.")
    else:
        options.on_drop(event)


def tell_refused(
    options: BufferOptions, refused: Sequence[Tuple[TrackEvent, _errors.TenlyrError]]
) -> None:
    """Events that are lost, each with the reason."""
    for event, error in refused:
        if options.on_error is None:
            log.warning("An event was not counted: %s", error)
            continue
        try:
            options.on_error(event, error)
        except Exception:  # the caller's own code: it must not end the sending of all others
            log.exception("on_error failed")


def new_event(
    *,
    metric: UsageMetric,
    value: float,
    endpoint: Maybe[Optional[str]],
    status_code: Maybe[Optional[int]],
    success: Maybe[Optional[bool]],
    latency_ms: Maybe[Optional[float]],
    timestamp: Maybe[Optional[When]],
    id: Maybe[Optional[str]],
    mode: Maybe[Optional[UsageMode]],
) -> Held:
    """An event with its id and its time, which it keeps however late and often it is sent.

    ValueError or TypeError when it cannot be sent: found later, it would hold up its batch.
    """
    event: TrackEvent = {"metric": metric, "value": value}
    has_time = timestamp is not None and not isinstance(timestamp, NotGiven)
    more = {
        "endpoint": endpoint,
        "status_code": status_code,
        "success": success,
        "latency_ms": latency_ms,
        "timestamp": timestamp if has_time else _now(),
        "mode": mode,
    }
    event.update(cast(TrackEvent, given(more)))
    event["id"] = new_id() if isinstance(id, NotGiven) else id or new_id()
    encoded(wire_event(event))
    return Held(event, "caller" if has_time else "buffer")


def _now() -> datetime:
    """This moment, in milliseconds: the server counts no finer."""
    now = datetime.now(timezone.utc)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
