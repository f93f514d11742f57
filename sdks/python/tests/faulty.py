"""A real HTTP server on this machine that behaves as badly as it is told to."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Optional

ANSWER_WITHIN_S = 30
Behaviour = Callable[["FaultyServer", socket.socket], None]


def answer(status: int, body: Any = None, headers: Optional[Mapping[str, str]] = None) -> Behaviour:
    """A whole answer, JSON unless the body is bytes."""

    def behave(server: "FaultyServer", connection: socket.socket) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        connection.sendall(_head(status, len(content), headers or {}) + content)

    return behave


def reset(server: "FaultyServer", connection: socket.socket) -> None:
    """The connection is torn down instead of an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang(server: "FaultyServer", connection: socket.socket) -> None:
    """Nothing comes, until the server is closed."""
    server.closing.wait(ANSWER_WITHIN_S)


def truncate(server: "FaultyServer", connection: socket.socket) -> None:
    """A body that ends before its announced length."""
    connection.sendall(_head(200, 1000, {}) + b'{"id": "t')


def stall(server: "FaultyServer", connection: socket.socket) -> None:
    """A body that begins and then stops."""
    connection.sendall(_head(200, 1000, {}) + b'{"id": "t')
    server.closing.wait(ANSWER_WITHIN_S)


def drip(server: "FaultyServer", connection: socket.socket) -> None:
    """A body that never stops, each piece soon enough for a time-out that looks at pieces."""
    connection.sendall(_head(200, 10**9, {}))
    while not server.closing.wait(0.005):
        connection.sendall(b" ")


def _head(status: int, length: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {length}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class FaultyServer:
    """Behaves once per connection, in turn; `requests` has the heads of what it was asked."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = list(behaviours)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[str] = []
        self.closing = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "FaultyServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        with suppress(OSError):  # wakes the thread that waits for a connection, if it still does
            socket.create_connection(self._listener.getsockname(), timeout=1).close()
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while not self.closing.is_set():
            connection, _ = self._listener.accept()
            with connection:
                self._meet(connection)

    def _meet(self, connection: socket.socket) -> None:
        connection.settimeout(ANSWER_WITHIN_S)
        with suppress(OSError):  # the client went away, as some tests want it to
            head = self._read_head(connection)
            if head:
                self.requests.append(head)
                self._behaviours.pop(0)(self, connection)

    def _read_head(self, connection: socket.socket) -> str:
        """The whole request's head; its body is read too, so that closing is no reset."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return ""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            ),
            0,
        )
        while len(body) < length:
            body += connection.recv(65536)
        return head.decode()
