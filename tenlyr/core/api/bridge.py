"""ASGI without and WSGI within: a request's body is read on the event loop, its work done by a
thread.

A slow sender costs no thread. A reader who stalls or goes away costs one for `STALLED_S` at most.
"""

import asyncio
import contextvars
import io
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import structlog
from django.db import close_old_connections, connections
from django.utils.http import parse_header_parameters

log = structlog.get_logger(__name__)

Result = TypeVar("Result")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Headers = Iterable[tuple[str, str]]

STALLED_S = 60


class ClientGone(Exception):
    """Whoever asked hung up; nobody waits for the answer."""


def headers_of(scope: Scope) -> dict[str, str]:
    """A request's headers, names in lower case; one that came more than once is joined."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in found:
            value = f"{found[name]}{'; ' if name == 'cookie' else ','}{value}"
        found[name] = value
    return found


async def body_of(receive: Receive, most: int) -> bytes:
    """A request's body, or its beginning once that is longer than `most`; raises `ClientGone`."""
    message = await receive()
    parts, length = [], 0
    while message["type"] == "http.request":
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if length > most or not message.get("more_body"):
            return parts[0] if len(parts) == 1 else b"".join(parts)
        message = await receive()
    raise ClientGone


async def answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send a whole answer."""
    await send(_start(status, headers))
    await send({"type": "http.response.body", "body": body})


def _start(status: int, headers: Headers) -> Mapping[str, Any]:
    encoded = [(_small(name), value.encode("latin-1")) for name, value in headers]
    return {"type": "http.response.start", "status": status, "headers": encoded}


@lru_cache(maxsize=1_024)
def _small(name: str) -> bytes:
    return name.lower().encode("latin-1")


def environ_of(scope: Scope, body: bytes) -> dict[str, Any]:
    """The request as WSGI has it. A header with an underscore in its name could pose as another
    one, and is left out.
    """
    raw_path = scope.get("raw_path") or scope["path"].encode()
    server = scope.get("server") or ("localhost", 80)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if scope["http_version"] != "1.0":
        environ["HTTP_HOST"] = ""  # a request without one gets no name of ours instead
    for name, value in headers_of(scope).items():
        if "_" not in name:
            plain = name.upper().replace("-", "_")
            is_bare = plain in {"CONTENT_TYPE", "CONTENT_LENGTH"}
            if plain == "CONTENT_TYPE":
                value = _readable(value)
            environ[plain if is_bare else f"HTTP_{plain}"] = value
    return environ


def _readable(content_type: str) -> str:
    """The header, or nothing: Django makes no request of one whose parameters cannot be read."""
    try:
        parse_header_parameters(content_type)
    except (ValueError, LookupError):
        return ""
    return content_type


class Bridge:
    """Serves a WSGI application to an ASGI server, on a bounded number of threads."""

    def __init__(self, application: Any, *, threads: int, most_bytes: int) -> None:
        self._application, self._most_bytes = application, most_bytes
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            environ = environ_of(scope, await body_of(receive, self._most_bytes))
            loop = asyncio.get_running_loop()
            whole = await loop.run_in_executor(self._pool, self._serve, environ, loop, send)
        except ClientGone:
            return
        if whole is not None:
            await answer(send, *whole)

    async def run(self, function: Callable[..., Result], *args: Any) -> Result:
        """A function's result, worked out by one of the threads, in the caller's context."""
        work = partial(contextvars.copy_context().run, _with_connections, function, *args)
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _serve(
        self, environ: dict[str, Any], loop: asyncio.AbstractEventLoop, send: Send
    ) -> tuple[int, Headers, bytes] | None:
        """The whole answer, or None when it was streamed."""
        started: list[Any] = []
        result = self._application(environ, lambda *line: started.append(line))
        try:
            status, headers = int(started[0][0][:3]), started[0][1]
            if not getattr(result, "streaming", False):
                return status, headers, b"".join(result)
            _stream(partial(_sent, loop, send), status, headers, result)
            return None
        finally:
            if hasattr(result, "close"):
                result.close()


def _stream(
    send: Callable[[Mapping[str, Any]], None], status: int, headers: Headers, parts: Iterable[bytes]
) -> None:
    send(_start(status, headers))
    for part in parts:
        if part:
            send({"type": "http.response.body", "body": part, "more_body": True})
    send({"type": "http.response.body", "body": b""})


def _sent(loop: asyncio.AbstractEventLoop, send: Send, message: Mapping[str, Any]) -> None:
    """Send from a thread, which waits until the reader has room for more."""
    sending = asyncio.run_coroutine_threadsafe(_awaited(send, message), loop)
    try:
        sending.result(STALLED_S)
    except TimeoutError as error:
        sending.cancel()
        log.info("request.reader_stalled")
        raise ClientGone from error


async def _awaited(send: Send, message: Mapping[str, Any]) -> None:
    await send(message)


def _with_connections(function: Callable[..., Result], *args: Any) -> Result:
    try:
        return function(*args)
    finally:
        # A thread that asked Postgres gives the connection back to the pool.
        if connections["default"].connection is not None:
            close_old_connections()
