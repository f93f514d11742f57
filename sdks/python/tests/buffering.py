"""A buffer of either kind, used alike, before a server that counts each id once."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Optional

import pytest
from fake_api import Asked, FakeApi, Told
from replaying import KEYS

import tenlyr

BATCH = "/api/v1/usage/track/batch"
KINDS = ("async", "sync")
WITHIN_S = 60


class Counter(FakeApi):
    """Counts each id once, as the server does. `failing` are answers to come before good ones; an
    event is counted even if the answer says otherwise. `refuse` has the last word on an event."""

    def __init__(self, *failing: int) -> None:
        super().__init__()
        self.failing = list(failing)
        self.counted: dict[str, str] = {}
        self.sizes: list[int] = []
        self.times: list[Any] = []
        self.refuse: Callable[[Any], Optional[int]] = lambda event: None
        self.refuse_whole: Callable[[Any], int] = lambda events: 0
        self.gate = threading.Event()
        self.gate.set()

    def answer(self, asked: Asked) -> Told:
        assert asked.path == BATCH
        self.gate.wait(WITHIN_S)
        self.sizes.append(len(asked.body))
        self.times += [event.get("timestamp") for event in asked.body]
        if self.refuse_whole(asked.body):
            return Told(self.refuse_whole(asked.body), {"message": "No.", "code": "told"}, {})
        results = [self._count(i, event, asked.key) for i, event in enumerate(asked.body)]
        if self.failing:
            return Told(self.failing.pop(0), {"message": "Not now.", "code": "unavailable"}, {})
        return Told(200, {"results": results}, {})

    def _count(self, index: int, event: Any, key: str) -> Any:
        status = self.refuse(event)
        if status is not None:
            return {"index": index, "status": status, "code": "told", "message": "Told so."}
        self.counted[event["id"]] = key
        return {"index": index, "status": 201, "id": event["id"]}


def _end(buffer: Any, name: str) -> Any:
    """`flush` or `close` of either kind; the error is its answer."""

    async def end() -> Any:
        try:
            return await getattr(buffer, name)()
        except tenlyr.TenlyrError as error:
            return error

    if isinstance(buffer, tenlyr.TrackBuffer):
        return end()
    try:
        return getattr(buffer, name)()
    except tenlyr.TenlyrError as error:
        return error


def use(kind: str, url: str, act: Callable[[Any], Any], **options: Any) -> Any:
    """Let `act`, a generator function, use a buffer: it yields arguments of `track`, or a name."""
    client: Any = {"base_url": url, "timeout": 30.0}
    if kind == "async":
        return asyncio.run(_use(client, act, options))
    with tenlyr.TenlyrSync(KEYS["$ADMIN"], **client) as sync:
        buffer = sync.usage.buffer(**options)
        return [_step(buffer, step) for step in act(buffer)]


async def _use(settings: Any, act: Callable[[Any], Any], options: Any) -> Any:
    async with tenlyr.Tenlyr(KEYS["$ADMIN"], **settings) as client:
        buffer = client.usage.buffer(**options)
        return [await _step(buffer, step) for step in act(buffer)]


def _step(buffer: Any, step: Any) -> Any:
    if isinstance(step, str):
        return _end(buffer, step)
    event = {"tenant_key": KEYS["$TENANT"], "metric": "api_call", "value": 1, **step}
    return _taken(buffer, event) if isinstance(buffer, tenlyr.TrackBuffer) else _take(buffer, event)


def _take(buffer: Any, event: Any) -> Any:
    """`track`; what it says of an event that cannot be sent is its answer."""
    try:
        return buffer.track(**event)
    except (ValueError, TypeError) as error:
        return error


async def _taken(buffer: Any, event: Any) -> Any:
    try:
        return await buffer.track(**event)
    except (ValueError, TypeError) as error:
        return error


both = pytest.mark.parametrize("kind", KINDS)
soon: dict[str, Any] = {"flush_interval_ms": 5}
late: dict[str, Any] = {"flush_interval_ms": 600_000}
