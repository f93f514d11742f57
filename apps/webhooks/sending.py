"""One POST of a delivery: the event's bytes, signed anew (R9, X33)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import structlog

from apps.webhooks import endpoints, envelopes
from apps.webhooks.models import Endpoint
from apps.webhooks.receivers import Job
from tenlyr.core import clock, secrets
from tenlyr.core.egress import posting, signing
from tenlyr.core.egress.replies import Outcome, Reply

log = structlog.get_logger(__name__)

# How much of a signature the log keeps: enough to compare, too little to use.
SHOWN = 8
SIGNATURES = ("Tenlyr-Signature", "webhook-signature")


@dataclass(frozen=True, slots=True)
class Sent:
    """The end of one attempt, with the headers as they are kept. `reply` is None when there was
    nothing to send: the event is gone.
    """

    job: Job
    reply: Reply | None
    headers: Mapping[str, str]
    at: datetime


async def send(endpoint: Endpoint, job: Job) -> Sent:
    """Send it; answers what became of it, whatever that is."""
    now = clock.now()
    if job.data is None or job.type is None or job.created_at is None:
        return Sent(job, None, {}, now)
    try:
        body = envelopes.body(job.event_id, job.type, job.created_at, orjson.loads(job.data))
        keys = endpoints.secrets_of(endpoint, now)
    except (secrets.CannotDecrypt, orjson.JSONDecodeError) as error:
        # A fault of ours that no receiver can mend: it must not keep the others from their events.
        log.error("webhook.not_signed", endpoint=str(endpoint.id), reason=type(error).__name__)
        return failed(job, "It could not be signed: rotate the endpoint's secret.")
    signed = signing.headers(keys, job.event_id, body, now)
    reply = await posting.post(endpoint.url, body, signed)
    return Sent(job, reply, shown(signed), clock.now())


def failed(job: Job, reason: str) -> Sent:
    """The end of an attempt that never left, by a fault on our side."""
    return Sent(job, Reply(Outcome.BLOCKED, None, b"", 0, reason), {}, clock.now())


def shown(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers without what would let somebody sign in our name."""
    return {name: _cut(value) if name in SIGNATURES else value for name, value in headers.items()}


def _cut(value: str) -> str:
    """Of each signature the first characters; the time stays whole."""
    parts: list[Any] = []
    for word in value.replace(",v1", " v1").split(" "):
        name, mark, rest = word.partition("=" if "=" in word[:3] else ",")
        parts.append(word if name == "t" else f"{name}{mark}{rest[:SHOWN]}…")
    return " ".join(parts)
