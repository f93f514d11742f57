"""A web process: `tenlyr.asgi` behind uvicorn, on a port that several of them may share."""

import argparse
import asyncio
import socket
from http import HTTPStatus
from typing import Any

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tenlyr.core import errors
from tenlyr.core.api import bridge
from tenlyr.runtime import ports

log = structlog.get_logger(__name__)

# How long a request may be on its way, and how long its line and headers may be.
REQUEST_S = 120
HEAD_BYTES = 65_536
IDLE_S = 75
# One too many is heard out for so long, so that its refusal is not lost on a caller that still
# sends.
SURPLUS_S = 5
# The supervisor waits a little longer than that.
DRAIN_S = 10
# Connections that are served at once; as many calls may be worked on, those included whose callers
# are gone.
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
    _is_surplus = False
    _head_bytes = -1  # of a head that is not all there; -1 when none is awaited

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A caller is there; its first request shall not keep us waiting."""
        super().connection_made(Corked(transport, self.loop))  # type: ignore[arg-type]
        if len(self.connections) > CONNECTIONS or len(self.tasks) >= CONNECTIONS:
            self._is_surplus = True
            self.connections.discard(self)  # it takes no slot, not even while it is told so
            self.app = refuse_surplus
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
                self._refuse(HeadTooLarge())

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
        self._refuse(Unreadable())

    def _expect_request(self) -> None:
        self._head_bytes = 0
        if self._late is None:
            within_s = SURPLUS_S if self._is_surplus else REQUEST_S
            self._late = self.loop.call_later(within_s, self._is_late)

    def _request_is_here(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _is_late(self) -> None:
        self._late = None
        if self._is_surplus:
            self._refuse(surplus())
        elif self._head_bytes >= 0:
            self._refuse(TooLate())
        else:  # whoever reads the body is told that the caller is gone
            self.transport.close()

    def _refuse(self, error: errors.ApiError) -> None:
        self._head_bytes = -1
        if not self.transport.is_closing():
            self.transport.write(refusal(error))
            self.transport.close()


class Unreadable(errors.ApiError):
    """What is no HTTP."""

    status, code, message = 400, "bad_request", "This is no HTTP request that can be read."


class TooLate(Unreadable):
    """A request that did not come in time."""

    status = 408


class HeadTooLarge(Unreadable):
    """A request whose line and headers do not end."""

    status = 431


def surplus() -> errors.Unavailable:
    """What a connection above the bound is told."""
    return errors.Unavailable(internal="too many connections")


async def refuse_surplus(scope: bridge.Scope, receive: bridge.Receive, send: bridge.Send) -> None:
    """The application of a connection above the bound. It reads the request first: one who hangs
    up on bytes that nobody read takes the answer along.
    """
    while (message := await receive())["type"] == "http.request":
        if not message["more_body"]:
            error = surplus()
            given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
            headers, body = _answer(error, given)
            await bridge.answer(send, error.status, headers, body)
            return


def refusal(error: errors.ApiError) -> bytes:
    """A whole response where there is no request that an application could answer (A8)."""
    headers, body = _answer(error, "")
    lines = [f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _answer(error: errors.ApiError, given: str) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body as everywhere in the API; `given` is the caller's own request id."""
    # Only now: they need the settings, which the application brings.
    from tenlyr.core.api import middleware, wire

    request_id = middleware.request_id_of(given)
    body = wire.dumps(wire.camel_keys(error.body(request_id)))
    if error.internal:
        log.info("request.refused", status=error.status, code=error.code, reason=error.internal)
    headers = {
        **{"Content-Type": "application/json", "Content-Length": str(len(body))},
        **{"Cache-Control": "no-store", "X-Request-Id": request_id, "Connection": "close"},
        **error.extra_headers(),
    }
    return list(headers.items()), body


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
