"""Log lines become usage events, go out singly or in batches, and come back as outcomes."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .loglines import LogLine
from .provisioning import Tenant
from .timeline import Timeline, iso
from .transport import Answer, Api, Patience

TRACK = "/api/v1/usage/track"
TRACK_BATCH = "/api/v1/usage/track/batch"

Event = dict[str, Any]


class Kind(Enum):
    """What became of a line."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # by the tenant's plan limit: the answer the replay is there to show
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a line, with the reason of an error."""

    kind: Kind
    reason: str = ""


ACCEPTED = Outcome(Kind.ACCEPTED)
REFUSED = Outcome(Kind.REFUSED)
UNANSWERED = Outcome(Kind.ERROR, "the batch's answer has no result for this event")


def event_of(line: LogLine, *, tenant_id: str, run_id: str, timeline: Timeline) -> Event:
    """The event of a line. Its id depends on nothing but tenant, run and line (X23)."""
    name = f"{run_id}:{line.number}:{line.digest}"
    event: Event = {
        "id": str(uuid.uuid5(uuid.UUID(tenant_id), name)),
        "metric": "api_call",
        "value": 1,
        "statusCode": line.status,
        "timestamp": iso(timeline.shift(line.at_ms)),
    }
    if line.endpoint is not None:
        event["endpoint"] = line.endpoint
    return event


@dataclass(slots=True)
class Delivery:
    """The outcomes of some events, in their order, and how many the server knew already."""

    outcomes: list[Outcome]
    duplicates: int = 0


def send_single(api: Api, tenant: Tenant, event: Event) -> Delivery:
    """Send one event by itself. Raises Unreachable, Stopped."""
    answer = api.post(TRACK, event, key=tenant.api_key)
    return Delivery([outcome_of(answer) or Outcome(Kind.ERROR, answer.problem)])


def send_batch(api: Api, tenant: Tenant, events: Sequence[Event]) -> Delivery:
    """Send events in one call, and those that were held back again until all are settled.

    Raises Unreachable, Stopped. Each event is judged by its own result, so one bad event costs
    the others nothing.
    """
    settled: dict[int, Outcome] = {}
    waiting = list(range(len(events)))
    duplicates = 0
    patience = Patience(api.limits)
    while waiting:
        answer = api.post(TRACK_BATCH, [events[i] for i in waiting], key=tenant.api_key)
        duplicates += answer.body.get("duplicates", 0)
        outcomes, held = _judge(answer, len(waiting))
        settled.update((waiting[position], outcome) for position, outcome in outcomes.items())
        waiting = [i for position, i in enumerate(waiting) if position not in outcomes]
        if held is None:
            break
        if outcomes:
            patience.renew()
        wait_s = patience.after(held)
        if wait_s is None:
            settled.update((i, Outcome(Kind.ERROR, held.problem)) for i in waiting)
            break
        api.wait(wait_s)
    return Delivery([settled[i] for i in range(len(events))], duplicates)


def outcome_of(answer: Answer) -> Outcome | None:
    """What an answer to one event means; None while the server asks to come back later."""
    if answer.status in (200, 201):
        return ACCEPTED
    if answer.status == 400 and answer.body.get("code") == "plan_limit_exceeded":
        return REFUSED
    if answer.status == 429 or answer.status >= 500:
        return None
    return Outcome(Kind.ERROR, answer.problem)


def _judge(answer: Answer, count: int) -> tuple[dict[int, Outcome], Answer | None]:
    """The batch's outcomes by position; and, if events were held back, the last one's result."""
    if answer.status != 200:
        return dict.fromkeys(range(count), Outcome(Kind.ERROR, answer.problem)), None
    outcomes = dict.fromkeys(range(count), UNANSWERED)
    held = None
    for result in answer.body.get("results", ()):
        one = Answer(result["status"], result, answer.retry_after_s)
        outcome = outcome_of(one)
        if outcome is not None:
            outcomes[result["index"]] = outcome
        else:
            held = one
            del outcomes[result["index"]]
    return outcomes, held
