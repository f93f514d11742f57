"""Tracking: from a caller and a body to the answer's body. No HTTP, no REST framework, no
models here.
"""

from typing import Any

import orjson

from apps.metering import ingest, reading
from apps.metering.events import Event, shown, uuid_text
from tenlyr.core import clock, errors
from tenlyr.core.principal import Principal
from tenlyr.core.redis import Ask

LONGEST_KEY = 255


async def one(principal: Principal, body: bytes, key: str | None, ask: Ask) -> tuple[bytes, bool]:
    """Track one event: the event that counts, as JSON, and whether it is that of an earlier call.

    `key` is the Idempotency-Key. Raises what the answer shall be (B13, A18, X2, X62).
    """
    tenant_id = principal.tenant
    event = reading.one(body, tenant_id=tenant_id, key=_checked(key), now_ms=clock.epoch_ms())
    outcome = (await ingest.decide(principal, (event,), ask))[0]
    if isinstance(outcome, errors.ApiError):
        raise outcome
    return orjson.dumps(shown(tenant_id, outcome)), outcome is not event


async def many(
    principal: Principal, body: bytes, key: str | None, ask: Ask, *, is_lines: bool
) -> bytes:
    """Track up to 10,000 events, each for itself: results in the order of the events, as JSON.

    An event that could not be decided because Redis went away is answered 503 in its place; only
    when that befell all of them, the call is.
    """
    tenant_id = principal.tenant
    outcomes: list[Any] = reading.many(
        body,
        is_lines=is_lines,
        tenant_id=tenant_id,
        key=_checked(key),
        now_ms=clock.epoch_ms(),
    )
    events = [outcome for outcome in outcomes if isinstance(outcome, Event)]
    decided = iter(await _admitted(principal, events, ask))
    return _results([(one, next(decided) if isinstance(one, Event) else one) for one in outcomes])


def _checked(key: str | None) -> str | None:
    if key is None or (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        return key
    raise errors.InvalidIdempotencyKey()


async def _admitted(principal: Principal, events: list[Event], ask: Ask) -> list[ingest.Outcome]:
    decided: list[ingest.Outcome] = []
    for chunk in ingest.chunks(events):
        try:
            decided += await ingest.decide(principal, chunk, ask)
        except errors.Unavailable as error:
            if not decided:
                raise
            return decided + [error] * (len(events) - len(decided))
    return decided


def _results(pairs: list[tuple[Any, ingest.Outcome]]) -> bytes:
    counts = {"accepted": 0, "refused": 0, "duplicates": 0, "invalid": 0}
    lines = []
    for index, (sent, outcome) in enumerate(pairs):
        if isinstance(outcome, Event):
            counts["accepted" if outcome is sent else "duplicates"] += 1
            lines.append(
                b'{"index":%d,"status":201,"id":"%b"}' % (index, uuid_text(outcome.id).encode())
            )
        else:
            counts["invalid" if outcome is sent else "refused"] += 1
            lines.append(_failure(index, outcome))
    head = orjson.dumps(counts)[:-1]
    return head + b',"results":[' + b",".join(lines) + b"]}"


def _failure(index: int, error: errors.ApiError) -> bytes:
    return orjson.dumps(
        {"index": index, "status": error.status, "code": error.code, "message": error.public}
    )
