"""JSON over keep-alive HTTP connections, one per thread, with the API's rules for asking again."""

import contextlib
import json
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

_USER_AGENT = "tenlyr-replay-access-log/1.0"
_NOT_IMPLEMENTED = 501  # a feature that is missing stays missing (contract A37)
_jitter = random.SystemRandom()


class Unreachable(Exception):
    """No answer came, however often it was tried."""


class Stopped(Exception):
    """The run was told to stop while it waited."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: ``body`` is the parsed JSON object, empty where there was none."""

    status: int
    body: dict[str, Any]
    retry_after_s: float | None = None

    @property
    def problem(self) -> str:
        """What an error says, in a few words."""
        return f"{self.status} {self.body.get('code') or self.body.get('message') or ''}".rstrip()


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on trying: failures in a row with their waits, and the wait for a throttle in all."""

    failures: int = 8
    first_wait_s: float = 0.2
    longest_wait_s: float = 5.0
    throttled_s: float = 600.0


@dataclass(slots=True)
class Patience:
    """How long one piece of work goes on trying. A None means: no longer."""

    limits: Limits
    failures: int = 0
    throttled_s: float = 0.0

    def after(self, answer: Answer) -> float | None:
        """Seconds until the request is worth repeating; None when its answer is final."""
        if answer.status == 429:
            return self.after_throttle(answer.retry_after_s)
        if is_temporary(answer):
            wait_s = self.after_failure()
            return None if wait_s is None else max(wait_s, answer.retry_after_s or 0.0)
        return None

    def after_failure(self) -> float | None:
        self.failures += 1
        if self.failures >= self.limits.failures:
            return None
        longest_s = self.limits.first_wait_s * 2.0 ** (self.failures - 1)
        return min(longest_s, self.limits.longest_wait_s) * _jitter.uniform(0.5, 1.0)

    def after_throttle(self, retry_after_s: float | None) -> float | None:
        wait_s = max(1.0 if retry_after_s is None else retry_after_s, 0.05)
        self.throttled_s += wait_s
        return None if self.throttled_s > self.limits.throttled_s else wait_s

    def renew(self) -> None:
        """Something was achieved: the bounds count anew."""
        self.failures, self.throttled_s = 0, 0.0


def is_temporary(answer: Answer) -> bool:
    """Whether the server may answer otherwise soon: it failed, or still works on the first try.

    A 409 without ``existingTenantId`` is an Idempotency-Key whose first request is running (X23).
    """
    if answer.status == 409:
        return "existingTenantId" not in answer.body
    return answer.status >= 500 and answer.status != _NOT_IMPLEMENTED


@dataclass(slots=True)
class Api:
    """A Tenlyr at ``url``, which threads may share. As a context it closes its connections."""

    url: str
    limits: Limits = field(default_factory=Limits)
    timeout_s: float = 30.0
    stop: threading.Event = field(default_factory=threading.Event)
    pause: Callable[[float], object] | None = None
    _local: threading.local = field(default_factory=threading.local)
    _opened: list[HTTPConnection] = field(default_factory=list)

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        for connection in self._opened:
            connection.close()

    def get(self, path: str, *, key: str) -> Answer:
        """One attempt. Raises Unreachable."""
        try:
            return self._exchange("GET", path, None, {"Authorization": f"Bearer {key}"})
        except (OSError, HTTPException) as problem:
            raise Unreachable(_named(problem)) from problem

    def post(self, path: str, body: object, *, key: str, request_id: str | None = None) -> Answer:
        """Post until there is a final answer. Raises Unreachable, Stopped.

        Repeating is safe: events carry their ids, and everything else a ``request_id``, which
        is sent as Idempotency-Key and must stay the same for the same intent.
        """
        payload = json.dumps(body, separators=(",", ":")).encode()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        if request_id is not None:
            headers["Idempotency-Key"] = request_id
        patience = Patience(self.limits)
        while True:
            try:
                answer = self._exchange("POST", path, payload, headers)
            except (OSError, HTTPException) as problem:
                wait_s = patience.after_failure()
                if wait_s is None:
                    raise Unreachable(_named(problem)) from problem
            else:
                wait_s = patience.after(answer)
                if wait_s is None:
                    return answer
            self.wait(wait_s)

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than the run goes on. Raises Stopped."""
        pause = self.stop.wait if self.pause is None else self.pause
        pause(seconds)
        if self.stop.is_set():
            raise Stopped

    def _exchange(
        self, method: str, path: str, payload: bytes | None, headers: dict[str, str]
    ) -> Answer:
        connection = self._connection()
        try:
            target = urlsplit(self.url).path.rstrip("/") + path
            connection.request(method, target, payload, {**headers, "User-Agent": _USER_AGENT})
            response = connection.getresponse()
            content = response.read()
        except BaseException:
            # What is left of an exchange must not be read as the next answer.
            connection.close()
            raise
        return Answer(
            response.status, _object(content), _seconds(response.getheader("Retry-After"))
        )

    def _connection(self) -> HTTPConnection:
        connection: HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            parts = urlsplit(self.url)
            kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
            connection = kind(parts.hostname or "", parts.port, timeout=self.timeout_s)
            self._local.connection = connection
            self._opened.append(connection)
        return connection


def _object(content: bytes) -> dict[str, Any]:
    parsed: object = None
    with contextlib.suppress(ValueError):  # a proxy's HTML page: the status says enough
        parsed = json.loads(content)
    return parsed if isinstance(parsed, dict) else {}


def _seconds(retry_after: str | None) -> float | None:
    with contextlib.suppress(ValueError):  # the HTTP-date form: Tenlyr writes seconds
        return max(float(retry_after), 0.0) if retry_after else None
    return None


def _named(problem: Exception) -> str:
    return str(problem) or type(problem).__name__
