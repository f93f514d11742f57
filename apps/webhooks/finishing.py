"""What became of attempts goes to the log, to the deliveries and to the endpoints' state (R9)."""

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from apps.webhooks import endpoints, schedule, statements, states
from apps.webhooks.models import Attempt, Delivery, Endpoint
from apps.webhooks.receivers import Job
from apps.webhooks.sending import Sent
from tenlyr.core.egress.replies import Outcome
from tenlyr.core.events import EventType

COLUMNS = ("attempt", "at", "delivery", "event_at", "outcome", "status", "latency_ms", "reason",
           "headers", "response", "state", "next_at", "failed")  # fmt: skip
EVENT_GONE = "event_gone"
INTERRUPTED = "interrupted"


def record(ended: Sequence[Sent], now: datetime) -> None:
    """Keep all of it, in the transaction at hand."""
    if not ended:
        return
    columns = zip(*(_row(one, now) for one in ended), strict=True)
    given: dict[str, Any] = {
        name: list(values) for name, values in zip(COLUMNS, columns, strict=True)
    }
    recorded = statements.rows(statements.text_of("record"), {**given, "now": now})
    failed = {one for (one,) in recorded}
    states.learn(list(_verdicts(ended)), now)
    _tell_of([one for one in ended if one.job.id in failed and _is_exhausted(one)])


def _is_exhausted(one: Sent) -> bool:
    """Whether a failure at the end of its schedule is told. Not one of what is itself about
    webhooks: endpoints that fail would tell each other of it for ever.
    """
    job, reply = one.job, one.reply
    if reply is None or reply.outcome is Outcome.GONE or job.is_test or job.type is None:
        return False
    return not job.type.startswith(endpoints.ABOUT_WEBHOOKS)


def _tell_of(exhausted: Sequence[Sent]) -> None:
    found = Endpoint.objects.in_bulk({one.job.endpoint_id for one in exhausted})
    told = [(found[one.job.endpoint_id], one) for one in exhausted if one.job.endpoint_id in found]
    # In one order, so that two pumps never wait for each other's alerts.
    for endpoint, one in sorted(told, key=lambda pair: str(pair[0].tenant_id)):
        states.tell(
            endpoint,
            EventType.DELIVERY_EXHAUSTED,
            deliveryId=str(one.job.id),
            eventId=one.job.event_id,
            eventType=one.job.type,
            attempts=one.job.number,
            reason=one.reply.reason if one.reply else "",
        )


def put_back(jobs: Sequence[Job]) -> None:
    """Undo the beginning of deliveries of which nothing was sent."""
    if jobs:
        given = {
            "attempt": [job.attempt_id for job in jobs],
            "at": [job.at for job in jobs],
            "delivery": [job.id for job in jobs],
            "event_at": [job.event_at for job in jobs],
        }
        statements.run(statements.text_of("put_back"), given)


def note_interrupted(jobs: Iterable[Job]) -> None:
    """Earlier attempts of these that never ended were cut off with their process."""
    suspects = [job for job in jobs if job.number > job.failures + 1]
    if suspects:
        Attempt.objects.filter(delivery_id__in=[job.id for job in suspects], outcome=None).exclude(
            id__in=[job.attempt_id for job in suspects]
        ).update(outcome=INTERRUPTED)


def _row(one: Sent, now: datetime) -> tuple[Any, ...]:
    job, reply = one.job, one.reply
    state, next_at = _judged(one, now)
    head = (job.attempt_id, job.at, job.id, job.event_at)
    tail = (state, next_at, int(state != Delivery.Status.DELIVERED and reply is not None))
    if reply is None:
        return (*head, EVENT_GONE, None, None, "", "{}", "", *tail)
    headers = orjson.dumps(dict(one.headers)).decode()
    # What is kept fits its column, whoever made it.
    said = (reply.outcome.value, reply.status, reply.latency_ms, reply.reason[:200], headers)
    return (*head, *said, reply.text[:1024], *tail)


def _judged(one: Sent, now: datetime) -> tuple[str, datetime | None]:
    """The state that the delivery has now, and when it is tried again."""
    job, reply = one.job, one.reply
    if reply is None:
        return Delivery.Status.CANCELLED, None
    if reply.is_accepted:
        return Delivery.Status.DELIVERED, None
    if job.is_test or reply.outcome is Outcome.GONE:
        return Delivery.Status.FAILED, None
    again = schedule.next_at(
        job.first_at, job.failures + 1, now, random.random(), reply.retry_after
    )
    return (Delivery.Status.FAILED, None) if again is None else (Delivery.Status.PENDING, again)


def _verdicts(ended: Sequence[Sent]) -> Iterator[tuple[UUID, Outcome]]:
    """What each reply says of its endpoint."""
    for one in ended:
        if one.reply is not None:
            yield one.job.endpoint_id, one.reply.outcome
