"""A client as customers have one: a kept-alive connection, a time-out, and often no answer."""

import http.client
import json
import socket
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"
TIMEOUT_S = 5.0


class NoAnswer(Exception):
    """The call may have been carried out, or not: nobody said."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: decoded JSON, and whether the answer is that to an earlier call."""

    status: int
    body: Any
    is_replay: bool = False

    @property
    def code(self) -> str:
        """The error's code, '' for an answer without one."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


class Connection:
    """One keep-alive connection to a port; after a failure the next call opens another.

    `source` is the loopback address that the call comes from: failed attempts are counted by it.
    """

    def __init__(self, port: int, *, source: str = HOST, timeout_s: float = TIMEOUT_S) -> None:
        self._made = (port, source, timeout_s)
        self._http: http.client.HTTPConnection | None = None

    def call(
        self, method: str, path: str, body: Any = None, *, key: str = "", **headers: str
    ) -> Reply:
        """One call; raises `NoAnswer`. Header names in snake_case: `idempotency_key=`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            sent["Authorization"] = f"Bearer {key}"
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            sent["Content-Type"] = "application/json"
        try:
            return self._exchange(method, path, content, sent)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise NoAnswer(f"{type(error).__name__}: {error}") from error

    def get(self, path: str, *, key: str = "") -> Reply:
        """One GET; raises `NoAnswer`."""
        return self.call("GET", path, key=key)

    def post(self, path: str, body: Any = None, *, key: str = "", **headers: str) -> Reply:
        """One POST; raises `NoAnswer`."""
        return self.call("POST", path, {} if body is None else body, key=key, **headers)

    def close(self) -> None:
        """Hang up; the next call opens a new connection."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def _exchange(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> Reply:
        http_connection = self._http or self._open()
        http_connection.request(method, path, content, headers)
        answer = http_connection.getresponse()
        raw = answer.read()
        if answer.will_close:
            self.close()
        is_replay = answer.getheader("Idempotent-Replayed") == "true"
        return Reply(answer.status, json.loads(raw) if raw else None, is_replay)

    def _open(self) -> http.client.HTTPConnection:
        port, source, timeout_s = self._made
        opened = http.client.HTTPConnection(
            HOST, port, timeout=timeout_s, source_address=(source, 0)
        )
        opened.connect()
        opened.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._http = opened
        return opened
