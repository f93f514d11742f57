"""A web process: `tenlyr.asgi` behind uvicorn, on a port that several of them may share."""

import argparse
import asyncio
import socket
from http import HTTPStatus
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tenlyr.core import errors
from tenlyr.runtime import ports

# How long a request may be on its way, and how long its line and headers may be.
REQUEST_S = 120
HEAD_BYTES = 65_536
IDLE_S = 75
# The supervisor waits a little longer than that.
DRAIN_S = 10
CONNECTIONS = 4_096
BACKLOG = 4_096


class Corked:
    """A transport that sends what is written in one turn of the loop at once: head and body of an
    answer go out in one piece.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._unsent: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send `data` with what else is written in this turn."""
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(data)

    def close(self) -> None:
        """Send what is unsent, then hang up."""
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._unsent:
            self._transport.write(b"".join(self._unsent))
            self._unsent.clear()


class Protocol(HttpToolsProtocol):
    """uvicorn's, with bounds on how a request may arrive, and our answer to what is no HTTP."""

    _late: asyncio.TimerHandle | None = None
    _head_bytes = -1  # of a head that is not all there; -1 when none is awaited

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A caller is there; its first request shall not keep us waiting."""
        super().connection_made(Corked(transport, self.loop))  # type: ignore[arg-type]
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone."""
        self._request_is_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """More of a request came."""
        super().data_received(data)
        if self._head_bytes >= 0:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """The parser's: a request begins."""
        super().on_message_begin()
        self._expect_request()

    def on_headers_complete(self) -> None:
        """The parser's: the request's head is all there."""
        self._head_bytes = -1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The parser's: the request is all there."""
        self._request_is_here()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or an ambiguous request, in our error shape; then hang up."""
        self._refuse(HTTPStatus.BAD_REQUEST)

    def _expect_request(self) -> None:
        self._head_bytes = 0
        if self._late is None:
            self._late = self.loop.call_later(REQUEST_S, self._is_late)

    def _request_is_here(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _is_late(self) -> None:
        self._late = None
        if self._head_bytes >= 0:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:  # whoever reads the body is told that the caller is gone
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        self._head_bytes = -1
        if not self.transport.is_closing():
            self.transport.write(refusal(status))
            self.transport.close()


class Unreadable(errors.ApiError):
    """What is no HTTP, or not in time."""

    status, code, message = 400, "bad_request", "This is no HTTP request that can be read."


def refusal(status: HTTPStatus) -> bytes:
    """A whole response for a request that cannot be read (A8)."""
    # Only now: it needs the settings, which the application brings.
    from tenlyr.core.api import handler

    named = type("Unreadable", (Unreadable,), {"status": status.value})
    body = handler.body(named())
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; the kernel shares callers out among all that listen on the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind((host, port))
    return listening


def config() -> uvicorn.Config:
    """How uvicorn serves us."""
    return uvicorn.Config(
        "tenlyr.asgi:application",
        loop="uvloop",
        http=Protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        # X-Forwarded-For is the kernel's to believe (TENLYR_TRUSTED_PROXIES).
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        backlog=BACKLOG,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=DRAIN_S,
    )


def main(arguments: Any = None) -> None:
    """Serve until SIGTERM, then finish what was begun."""
    parser = argparse.ArgumentParser(prog="python -m tenlyr.runtime.web", description=__doc__)
    parser.add_argument("--host", default=ports.HOST, help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (%(default)s)")
    options = parser.parse_args(arguments)
    uvicorn.Server(config()).run(sockets=[listen(options.host, options.port)])


if __name__ == "__main__":
    main()
