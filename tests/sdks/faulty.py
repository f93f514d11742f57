"""A server that fails as it is told: real sockets, one answer per connection."""

import json
import socket
import struct
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Self

HELD_S = 30
TENANT = {
    "id": "01975f3c-8a10-7c3e-9b55-1f2e3d4c5b6a",
    "name": "Acme Corp",
    "ownerEmail": "owner@acme.example",
    "plan": "growth",
    "status": "active",
    "region": "us-east-1",
    "isolationLevel": "shared_schema",
    "apiKeyPrefix": "tenlyr_live_4KfQ",
    "lastActiveAt": None,
    "createdAt": "2026-11-21T04:05:06.789Z",
}
EVENT = {
    "tenantId": TENANT["id"],
    "metric": "api_call",
    "value": 1,
    "endpoint": None,
    "timestamp": "2026-11-21T04:05:06.789Z",
}
# What each scenario does, try by try; the last one stays.
SCENARIOS = {
    "500": ["500"],
    "503": ["503"],
    "429": ["429"],
    "503-then-ok": ["503", "503", "ok"],
    "429-for-1s": ["429 1", "ok"],
    "429-until": ["429 date", "ok"],
    "429-for-61s": ["429 61"],
    "reset": ["reset"],
    "reset-then-ok": ["reset", "ok"],
    "truncated": ["truncated"],
    "truncated-then-ok": ["truncated", "ok"],
    "hangs": ["hang"],
    "404": ["404"],
    "501": ["501"],
    "jitter": ["500"],
}
# Each try of these counts the event before it fails.
EVENTS = {
    "event-500": ["500", "500", "ok"],
    "event-reset": ["reset", "reset", "ok"],
    "event-truncated": ["truncated", "ok"],
    "event-lost": ["truncated"],
    "event-hangs": ["hang"],
}


@dataclass
class Try:
    """One request as it came: when, and what bore the event's id."""

    at: float
    key: str
    event_id: str


@dataclass
class Faulty:
    """The server; `tries` are all requests by scenario."""

    tries: dict[str, list[Try]] = field(default_factory=lambda: defaultdict(list))

    def __enter__(self) -> Self:
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        # Wakes the thread that accepts, which a close alone does not.
        socket.create_connection(self._listener.getsockname()).close()
        self._listener.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            line, _ = self._listener.accept()
            if self._ended.is_set():
                line.close()
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line:
            line.settimeout(HELD_S)
            try:
                self._answer(line, *_read(line))
            except (ConnectionError, TimeoutError):  # the client gave up, as it may
                return

    def _answer(self, line: socket.socket, head: str, body: bytes) -> None:
        if not head:
            return
        sent: dict[str, Any] = json.loads(body) if body else {}
        scenario = sent.get("endpoint") or head.split()[1].rpartition("/")[2]
        tries = self.tries[scenario]
        tries.append(Try(time.monotonic(), _header(head, "idempotency-key"), sent.get("id", "")))
        acts = {**SCENARIOS, **EVENTS}[scenario]
        act, _, wait = acts[min(len(tries), len(acts)) - 1].partition(" ")
        if act == "hang":
            self._ended.wait(HELD_S)
        elif act == "reset":
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif act == "truncated":
            line.sendall(_answered("200", b'{"id": "0197', length=500))
        else:
            status = "200" if act == "ok" else act
            found = {**EVENT, "id": sent["id"]} if sent else TENANT
            line.sendall(_answered(status, json.dumps(found).encode(), wait=wait))


def _read(line: socket.socket) -> tuple[str, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = line.recv(65_536)
        if not chunk:
            return "", b""
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(_header(head.decode(), "content-length") or 0)
    while len(body) < length and (chunk := line.recv(65_536)):
        body += chunk
    return head.decode(), body


def _header(head: str, name: str) -> str:
    lines = (line.partition(":") for line in head.split("\r\n")[1:])
    return next((value.strip() for key, _, value in lines if key.lower() == name), "")


def _answered(status: str, body: bytes, *, length: int | None = None, wait: str = "") -> bytes:
    lines = [
        f"HTTP/1.1 {status} Said",
        "Content-Type: application/json",
        f"Content-Length: {length or len(body)}",
        "Connection: close",
    ]
    if wait == "date":
        lines.append(f"Retry-After: {format_datetime(_soon(), usegmt=True)}")
    elif wait:
        lines.append(f"Retry-After: {wait}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=2)
