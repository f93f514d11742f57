"""What the clients send: made-up events of every kind the API knows, from a seed."""

import itertools
import random
import re
import threading
import time
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4, uuid5

from tests.faults.ledger import MICRO, Sent

DAY_MS = 86_400_000
# 35 days are accepted; a resend may come minutes after the first try.
OLDEST_MS = 34 * DAY_MS
MARK = "/faults/{tenant}/{seq}"
MARK_IN_BYTES = re.compile(rb"/faults/[0-9a-f-]{36}/[0-9]+")


@dataclass(frozen=True, slots=True)
class Customer:
    """A tenant with its key. `limit` is its strict limit of api_call, None for none."""

    id: str
    key: str
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its events and, if the ids come from it, its Idempotency-Key."""

    customer: Customer
    events: list[Sent]
    is_batch: bool
    idempotency_key: str | None = None

    def body(self, events: list[Sent]) -> Any:
        """The JSON of some of the call's events."""
        wire = [body_of(event, has_id=self.idempotency_key is None) for event in events]
        return wire if self.is_batch else wire[0]

    def part(self, due: list[Sent]) -> list[Sent]:
        """What to send so that `due` become known: a key's ids hold for the whole call only."""
        return due if self.idempotency_key is None else self.events


def identity(tenant: str, given: str) -> str:
    """What a client's id becomes (X23): a UUID as it is, else UUIDv5 of tenant and text."""
    try:
        if str(UUID(given)) == given:
            return given
    except ValueError:
        pass  # any text may be an id
    return str(uuid5(UUID(tenant), given))


def body_of(event: Sent, *, has_id: bool) -> dict[str, Any]:
    """An event as JSON; without its id when that comes with the call's Idempotency-Key."""
    value = event.micro / MICRO
    body: dict[str, Any] = {
        "metric": event.metric,
        "value": int(value) if value.is_integer() else value,
        "endpoint": event.mark,
    }
    if has_id and event.given is not None:
        body["id"] = event.given
    if event.mode is not None:
        body["mode"] = event.mode
    if event.status_code is not None:
        body["statusCode"] = event.status_code
    if event.ts_ms is not None:
        moment = time.gmtime(event.ts_ms // 1000)
        body["timestamp"] = f"{time.strftime('%Y-%m-%dT%H:%M:%S', moment)}.{event.ts_ms % 1000:03}Z"
    return body


class Maker:
    """Makes calls; one for each client thread, all with numbers from one counter."""

    _numbers = itertools.count(1)
    _lock = threading.Lock()

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def call(self, customer: Customer) -> Call:
        """A single track or a batch, with ids of one of the ways that a client can name events."""
        if self._random.random() < 0.5:
            return self._single(customer)
        is_keyed = self._random.random() < 0.2
        key = f"key-{uuid4()}" if is_keyed else None
        size = 600 if self._random.random() < 0.02 else self._random.randint(2, 60)
        events = [
            self._event(customer, f"{key}#{index}" if is_keyed else self._given())
            for index in range(size)
        ]
        return Call(customer, events, True, key)

    def one_api_call(self, customer: Customer) -> Call:
        """A single billable call of value 1: whatever room a limit has left, it fits."""
        event = self._event(customer, str(uuid4()))
        return Call(
            customer,
            [
                replace(
                    event, metric="api_call", micro=MICRO, mode=None, status_code=None, ts_ms=None
                )
            ],
            False,
        )

    def _single(self, customer: Customer) -> Call:
        if self._random.random() < 0.25:
            key = f"key-{uuid4()}"
            return Call(customer, [self._event(customer, key)], False, key)
        return Call(customer, [self._event(customer, self._given())], False)

    def _given(self) -> str | None:
        draw = self._random.random()
        if draw < 0.15:
            return None
        return str(uuid4()) if draw < 0.75 else f"client {uuid4()}"

    def _event(self, customer: Customer, given: str | None) -> Sent:
        metric, micro, mode = self._counted(customer)
        with self._lock:
            seq = next(self._numbers)
        return Sent(
            seq=seq,
            tenant=customer.id,
            given=given,
            id=None if given is None else identity(customer.id, given),
            metric=metric,
            micro=micro,
            mode=mode,
            status_code=self._status(),
            ts_ms=self._moment() if customer.limit is None else None,
            mark=MARK.format(tenant=customer.id, seq=seq),
        )

    def _counted(self, customer: Customer) -> tuple[str, int, str | None]:
        """Metric, value in millionths and mode."""
        pick = self._random
        draw = pick.random()
        if customer.limit is not None or draw < 0.6:
            return "api_call", pick.choice((1, 1, 1, 1, 2, 7)) * MICRO, None
        if draw < 0.75:
            return "compute", pick.randint(1, 5_000) * MICRO, pick.choice((None, "increment"))
        mode = pick.choice((None, "increment", "increment", "set", "decrement"))
        if draw < 0.88:
            return "seats", pick.randint(1, 40) * MICRO, mode
        return "storage_gb", pick.randint(1, 9_999_999), mode

    def _status(self) -> int | None:
        draw = self._random.random()
        if draw < 0.5:
            return None
        return self._random.choice((500, 503)) if draw < 0.6 else self._random.choice((200, 404))

    def _moment(self) -> int | None:
        draw = self._random.random()
        if draw < 0.7:
            return None
        back = 6 * 3_600_000 if draw < 0.9 else OLDEST_MS
        return int(time.time() * 1000) - self._random.randint(0, back)
