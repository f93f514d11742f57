"""Admission: one script call decides over the events of a call and queues the admitted ones
(F4, X11).

Redis Streams are the queue that ships; another one would take `decide`'s place here and
`stream`'s at the consumer (X60).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from apps.metering import periods, rows
from apps.metering.errors import Rebuilding, UsageBelowZero, UsageOutOfRange
from apps.metering.events import Event, iso
from apps.metering.names import names_of
from tenlyr.core import errors, redis, scripts
from tenlyr.core.coroutines import finish
from tenlyr.core.metrics import GAUGES, Metric, from_counter
from tenlyr.core.principal import Principal
from tenlyr.core.redis import Ask

# Both take the same arguments and decide alike; the first one knows calls of one event only.
ONE, MANY = (scripts.load(Path(__file__).parent / name) for name in ("track_one.lua", "track.lua"))
# A script call holds up all others of its Redis: 500 events are about two milliseconds.
MOST_A_CALL = 500

ALL_ADMITTED, NOT_READY = 1, 0
THROTTLED, OVER_LIMIT, BELOW_ZERO, OUT_OF_RANGE = 2, 3, 4, 5

Outcome = Event | errors.ApiError


async def decide(principal: Principal, events: Sequence[Event], ask: Ask) -> list[Outcome]:
    """Admit events of one tenant, in order: for each the event that now counts, or why it does not.

    An event whose id was seen before is answered with the first one of that id, which is another
    object. Raises `Rebuilding`, or `Unavailable` when Redis is away; what became of the events is
    unknown then, and a resend with the same ids is safe. At most `MOST_A_CALL` events.
    """
    script = ONE if len(events) == 1 else MANY
    try:
        answer = await scripts.run(script, _arguments(principal, events), ask)
    except redis.RedisError as error:
        raise errors.Unavailable(internal=f"{type(error).__name__}: {error}"[:200]) from error
    if answer == ALL_ADMITTED:
        return list(events)
    if answer == NOT_READY:
        raise Rebuilding()
    return [
        event if verdict == 1 else _refused(principal, event, verdict)
        for event, verdict in zip(events, answer, strict=True)
    ]


def admit(principal: Principal, events: Sequence[Event]) -> list[Outcome]:
    """`decide`, blocking this thread meanwhile."""
    return finish(decide(principal, events, redis.blocking))


def _arguments(principal: Principal, events: Sequence[Event]) -> list[bytes | str | int]:
    tenant_id = principal.tenant
    names = names_of(tenant_id)
    numbers: dict[str, int] = {}
    keys: list[bytes | str | int] = [*names.fixed]
    heads: list[bytes | str | int] = [principal.limit_rpm]
    tail: list[bytes | str | int] = []
    for event in events:
        key, expires_ms = names.counter_on(event.metric, event.ts_ms // periods.DAY_MS)
        number = numbers.get(key)
        if number is None:
            number = numbers[key] = len(numbers) + 1
            keys.append(key)
            limit = principal.limits.get(event.metric)
            heads += ("" if limit is None else limit, expires_ms)
        tail += (
            number if event.billable else 0,
            _amount(event),
            tenant_id.bytes + event.id if event.has_given_id else b"",
            rows.encode(tenant_id, event),
        )
    return [len(keys), *keys, *heads, *tail]


def _amount(event: Event) -> str | int:
    if event.mode is None or event.mode == "increment":
        return event.units
    return f"={event.units}" if event.mode == "set" else -event.units


def _refused(principal: Principal, event: Event, verdict: Any) -> Outcome:
    if isinstance(verdict, bytes):
        return rows.decode(verdict)[1]
    reason, number = verdict
    if reason == THROTTLED:
        return errors.RateLimited(
            "The tenant is throttled.", limit=principal.limit_rpm, retry_after=-(-number // 1000)
        )
    metric = Metric(event.metric)
    current = from_counter(metric, number)
    if reason == BELOW_ZERO:
        return UsageBelowZero(metric=metric, current=current)
    if reason == OUT_OF_RANGE:
        return UsageOutOfRange(metric=metric, current=current)
    ends = None if metric in GAUGES else periods.at(event.ts_ms).end
    return errors.PlanLimitExceeded(
        metric=metric,
        limit=from_counter(metric, principal.limits[metric]),
        current=current,
        reset_at=iso(int(ends.timestamp() * 1000)) if ends else None,
    )


def chunks(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """Parts small enough for one call each."""
    for start in range(0, len(events), MOST_A_CALL):
        yield events[start : start + MOST_A_CALL]
