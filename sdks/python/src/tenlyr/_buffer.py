"""Counting events in batches, in the background: the async half."""

import asyncio
import dataclasses
import time
from contextlib import suppress
from typing import Optional, Sequence

from tenlyr import _backlog
from tenlyr._backlog import Backlog, BufferOptions, Held, Verdict
from tenlyr._calls import NOT_GIVEN, Maybe, When
from tenlyr._enums import UsageMetric, UsageMode
from tenlyr._errors import TenlyrError
from tenlyr._keys import checked
from tenlyr._resource import Resource, post
from tenlyr._transport import AsyncTransport
from tenlyr._types import Batch


class TrackBuffer:
    """Events of any tenants, sent in batches by a task of its own; made by `usage.buffer`.

    It belongs to the event loop in which it is first used. Close it, or its client, at the end.
    """

    def __init__(self, transport: AsyncTransport, options: BufferOptions) -> None:
        self._transport = transport
        self._options = options
        self._backlog = Backlog(options)
        self._closed = False
        self._task: Optional[asyncio.Task[None]] = None

    @property
    def pending(self) -> int:
        """Events that are held now, those under way included: never more than `max_events`."""
        return self._backlog.count

    async def track(
        self,
        *,
        tenant_key: str,
        metric: UsageMetric,
        value: float,
        endpoint: Maybe[Optional[str]] = NOT_GIVEN,
        status_code: Maybe[Optional[int]] = NOT_GIVEN,
        success: Maybe[Optional[bool]] = NOT_GIVEN,
        latency_ms: Maybe[Optional[float]] = NOT_GIVEN,
        timestamp: Maybe[Optional[When]] = NOT_GIVEN,
        id: Maybe[Optional[str]] = NOT_GIVEN,
        mode: Maybe[Optional[UsageMode]] = NOT_GIVEN,
    ) -> Optional[str]:
        """Take an event; its id, or None when it was dropped. Fields as those of `usage.track`, but
        that without a `timestamp` it has that of this moment, whenever it is sent.

        When the buffer is full it waits, or drops the event, as was chosen. AuthenticationError
        when the key cannot be one, ValueError or TypeError when the event cannot be sent,
        RuntimeError after `close`.
        """
        held = _backlog.new_event(
            metric=metric,
            value=value,
            endpoint=endpoint,
            status_code=status_code,
            success=success,
            latency_ms=latency_ms,
            timestamp=timestamp,
            id=id,
            mode=mode,
        )
        return held.event.get("id") if await self._take(checked(tenant_key), held) else None

    async def flush(self) -> None:
        """Send what is there, now. The last error is raised when some of it has to stay."""
        if self._task is None:
            return
        async with self._sending:
            error = await self._send_all()
        if error is not None:
            raise error

    async def close(self) -> None:
        """Send what is left, for at most 30 seconds; what then still is goes to `on_error`."""
        self._closed = True
        if self._task is None:
            return
        self._closing.set()
        self._wake.set()
        await self._task
        async with self._sending:
            error = await self._send_until(time.monotonic() + _backlog.CLOSE_WITHIN_S)
            self._room.set()
        if error is not None:
            left = self._backlog.drain()
            _backlog.tell_refused(self._options, [(event, error) for event in left])

    async def _take(self, key: str, held: Held) -> bool:
        self._begin()
        while self._backlog.is_full and not self._closed:
            if self._options.when_full == "drop":
                _backlog.tell_dropped(self._options, held.event)
                return False
            self._wake.set()
            self._room.clear()
            await self._room.wait()
        if self._closed:
            raise RuntimeError("the buffer is closed")
        self._backlog.add(key, held)
        if self._backlog.is_due:
            self._wake.set()
        return True

    def _begin(self) -> None:
        """The task and what it waits for, in the loop of whoever comes first."""
        if self._task is None and not self._closed:
            self._wake, self._room, self._closing = (asyncio.Event() for _ in range(3))
            self._sending = asyncio.Lock()
            self._task = asyncio.ensure_future(self._work())

    async def _work(self) -> None:
        failures = 0
        pause_s = self._options.flush_interval_ms / 1000
        while not self._closed:
            await self._pause(self._closing if failures else self._wake, pause_s)
            async with self._sending:
                error = await self._send_all(stop_when_closed=True)
            failures = failures + 1 if error else 0
            pause_s = self._options.flush_interval_ms / 1000
            if error is not None:
                pause_s = _backlog.wait_s(failures, error, self._options.flush_interval_ms)

    async def _pause(self, for_what: asyncio.Event, wait_s: float) -> None:
        """Until something happens, or the time is over: then what there is goes out."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(for_what.wait(), wait_s)
        self._wake.clear()

    async def _send_until(self, end: float) -> Optional[TenlyrError]:
        failures = 0
        while True:
            error = await self._send_all(end)
            failures += 1
            if error is None:
                return None
            wait_s = _backlog.wait_s(failures, error, self._options.flush_interval_ms)
            if time.monotonic() + wait_s >= end:
                return error
            await asyncio.sleep(wait_s)

    async def _send_all(
        self, end: Optional[float] = None, *, stop_when_closed: bool = False
    ) -> Optional[TenlyrError]:
        """Batch after batch until nothing is left; the error after which something stays."""
        while self._backlog.count:
            error: Optional[TenlyrError] = None
            for key, batch in self._backlog.batches():
                if stop_when_closed and self._closed:
                    return None
                error = await self._send(key, batch, end) or error
                if error is not None and _backlog.is_everybodys(error):
                    return error
            if error is not None:
                return error
        return None

    async def _send(
        self, key: str, batch: Sequence[Held], end: Optional[float]
    ) -> Optional[TenlyrError]:
        verdict = await self._ask(key, batch, end)
        self._backlog.settle(key, batch, verdict.kept)
        self._room.set()
        _backlog.tell_refused(self._options, verdict.refused)
        return verdict.error

    async def _ask(self, key: str, batch: Sequence[Held], end: Optional[float]) -> Verdict:
        """One request, once, or one for each half: the buffer itself tries again."""
        options = dataclasses.replace(self._transport.options, retries=0)
        if end is not None:
            left_s = max(end - time.monotonic(), 0.05)
            options = dataclasses.replace(options, timeout=min(options.timeout, left_s))
        sender = Resource(self._transport.with_options(options))
        body = [held.wire() for held in batch]
        try:
            answer = await sender._one(Batch, post("/usage/track/batch", None, key=key, body=body))
        except TenlyrError as error:
            parts = _backlog.halves(batch, error)
            return (
                await self._ask_each(key, *parts, end) if parts else _backlog.failed(batch, error)
            )
        verdict = _backlog.judged(batch, answer)
        if not verdict.untimed:
            return verdict
        return _backlog.joined(verdict, await self._ask(key, verdict.untimed, end))

    async def _ask_each(
        self,
        key: str,
        first: Sequence[Held],
        second: Sequence[Held],
        end: Optional[float],
    ) -> Verdict:
        """One half after the other; the second waits as long as the first must."""
        said = await self._ask(key, first, end)
        if said.kept:
            return _backlog.joined(said, Verdict(list(second), []))
        return _backlog.joined(said, await self._ask(key, second, end))
