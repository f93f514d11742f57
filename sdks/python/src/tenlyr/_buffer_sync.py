"""Counting events in batches, in the background: the half without `async`."""

import atexit
import dataclasses
import threading
import time
from typing import Optional, Sequence

from tenlyr import _backlog
from tenlyr._backlog import Backlog, BufferOptions, Held, Verdict
from tenlyr._calls import NOT_GIVEN, Maybe, When
from tenlyr._enums import UsageMetric, UsageMode
from tenlyr._errors import TenlyrError
from tenlyr._keys import checked
from tenlyr._sync._resource import Resource, post
from tenlyr._sync._transport import SyncTransport
from tenlyr._types import Batch


class TrackBufferSync:
    """Events of any tenants, sent in batches by a thread of its own; made by `usage.buffer`.

    Any thread may track. What is left when the process ends is sent then, as by `close`.
    """

    def __init__(self, transport: SyncTransport, options: BufferOptions) -> None:
        self._transport = transport
        self._options = options
        self._backlog = Backlog(options)
        self._closed = False
        self._thread: Optional[threading.Thread] = None
        self._sending = threading.Lock()
        self._changed = threading.Condition()

    @property
    def pending(self) -> int:
        """Events that are held now, those under way included: never more than `max_events`."""
        return self._backlog.count

    def track(
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
        return held.event.get("id") if self._take(checked(tenant_key), held) else None

    def flush(self) -> None:
        """Send what is there, now. The last error is raised when some of it has to stay."""
        with self._sending:
            error = self._send_all()
        if error is not None:
            raise error

    def close(self) -> None:
        """Send what is left, for at most 30 seconds; what then still is goes to `on_error`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        atexit.unregister(self.close)
        with self._sending:
            error = self._send_until(time.monotonic() + _backlog.CLOSE_WITHIN_S)
        if error is not None:
            with self._changed:
                left = self._backlog.drain()
            _backlog.tell_refused(self._options, [(event, error) for event in left])

    def _take(self, key: str, held: Held) -> bool:
        with self._changed:
            self._begin()
            while self._backlog.is_full and not self._closed:
                if self._options.when_full == "drop":
                    break
                self._changed.notify_all()
                self._changed.wait()
            if self._closed:
                raise RuntimeError("the buffer is closed")
            if not self._backlog.is_full:
                self._backlog.add(key, held)
                if self._backlog.is_due:
                    self._changed.notify_all()
                return True
        _backlog.tell_dropped(self._options, held.event)
        return False

    def _begin(self) -> None:
        """The thread, when the first event comes. It ends with the process."""
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._work, name="tenlyr-buffer", daemon=True)
            self._thread.start()
            atexit.register(self.close)

    def _work(self) -> None:
        failures = 0
        pause_s = self._options.flush_interval_ms / 1000
        while not self._closed:
            self._pause(pause_s, is_urgent=failures == 0)
            with self._sending:
                error = self._send_all(stop_when_closed=True)
            failures = failures + 1 if error else 0
            pause_s = self._options.flush_interval_ms / 1000
            if error is not None:
                pause_s = _backlog.wait_s(failures, error, self._options.flush_interval_ms)

    def _pause(self, wait_s: float, *, is_urgent: bool) -> None:
        """Until there is enough to send, or the time is over: then what there is goes out."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or (is_urgent and self._backlog.is_due), wait_s
            )

    def _send_until(self, end: float) -> Optional[TenlyrError]:
        failures = 0
        while True:
            error = self._send_all(end)
            failures += 1
            if error is None:
                return None
            wait_s = _backlog.wait_s(failures, error, self._options.flush_interval_ms)
            if time.monotonic() + wait_s >= end:
                return error
            time.sleep(wait_s)

    def _send_all(
        self, end: Optional[float] = None, *, stop_when_closed: bool = False
    ) -> Optional[TenlyrError]:
        """Batch after batch until nothing is left; the error after which something stays."""
        while self._backlog.count:
            error: Optional[TenlyrError] = None
            with self._changed:
                batches = self._backlog.batches()
            for key, batch in batches:
                if stop_when_closed and self._closed:
                    return None
                error = self._send(key, batch, end) or error
                if error is not None and _backlog.is_everybodys(error):
                    return error
            if error is not None:
                return error
        return None

    def _send(self, key: str, batch: Sequence[Held], end: Optional[float]) -> Optional[TenlyrError]:
        verdict = self._ask(key, batch, end)
        with self._changed:
            self._backlog.settle(key, batch, verdict.kept)
            self._changed.notify_all()
        _backlog.tell_refused(self._options, verdict.refused)
        return verdict.error

    def _ask(self, key: str, batch: Sequence[Held], end: Optional[float]) -> Verdict:
        """One request, once, or one for each half: the buffer itself tries again."""
        options = dataclasses.replace(self._transport.options, retries=0)
        if end is not None:
            left_s = max(end - time.monotonic(), 0.05)
            options = dataclasses.replace(options, timeout=min(options.timeout, left_s))
        sender = Resource(self._transport.with_options(options))
        body = [held.wire() for held in batch]
        try:
            answer = sender._one(Batch, post("/usage/track/batch", None, key=key, body=body))
        except TenlyrError as error:
            parts = _backlog.halves(batch, error)
            if parts is None:
                return _backlog.failed(batch, error)
            return self._ask_each(key, *parts, end)
        verdict = _backlog.judged(batch, answer)
        if not verdict.untimed:
            return verdict
        return _backlog.joined(verdict, self._ask(key, verdict.untimed, end))

    def _ask_each(
        self,
        key: str,
        first: Sequence[Held],
        second: Sequence[Held],
        end: Optional[float],
    ) -> Verdict:
        """One half after the other; the second waits as long as the first must."""
        said = self._ask(key, first, end)
        if said.kept:
            return _backlog.joined(said, Verdict(list(second), []))
        return _backlog.joined(said, self._ask(key, second, end))
