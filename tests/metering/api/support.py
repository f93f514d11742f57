"""The lane as a client meets it: a request in, an answer out, no Django in between."""

import asyncio
import atexit
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import uvloop

from apps.metering.api import lane
from tests.core import outages

TRACK = "/api/v1/usage/track"
BATCH = "/api/v1/usage/track/batch"
CALL = {"metric": "api_call", "value": 1}


@dataclass(frozen=True)
class Answered:
    """What a web process answered."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)


def environ(path: str, content: bytes, key: str = "", **more: Any) -> dict[str, Any]:
    """A request in WSGI's terms; `more` are its names, None takes one away."""
    made = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.input": io.BytesIO(content),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        **({"HTTP_AUTHORIZATION": f"Bearer {key}"} if key else {}),
        **more,
    }
    return {name: value for name, value in made.items() if value is not None}


def ask(path: str, sent: Any = CALL, key: str = "", **more: Any) -> Answered:
    """One request, as `tenlyr.asgi` hands it on."""
    content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    said = _on_loop(environ(path, content, key, **more))
    assert [message["type"] for message in said] == ["http.response.start", "http.response.body"]
    names = [name for name, _ in said[0]["headers"]]
    assert len(set(names)) == len(names), "a header came twice"
    assert all(name == name.lower() for name in names), "HTTP/2 knows small letters only"
    headers = {_title(name.decode()): value.decode() for name, value in said[0]["headers"]}
    return Answered(said[0]["status"], headers, said[1]["body"])


def _on_loop(request: dict[str, Any]) -> list[Any]:
    """What the lane sends for a request, on an event loop that all of them share."""
    scope = {
        "method": request["REQUEST_METHOD"],
        "path": request["PATH_INFO"],
        "query_string": request["QUERY_STRING"].encode(),
        "headers": [
            (name.removeprefix("HTTP_").replace("_", "-").lower().encode(), value.encode("latin-1"))
            for name, value in request.items()
            if name.startswith(("HTTP_", "CONTENT_"))
        ],
        "client": (request["REMOTE_ADDR"], 54321),
    }
    parts = iter(lambda: request["wsgi.input"].read(65_536), b"")

    async def receive() -> dict[str, Any]:
        part = next(parts, b"")
        return {"type": "http.request", "body": part, "more_body": bool(part)}

    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    _loop().run_until_complete(lane.serve(scope, receive, send, _run))
    return said


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = uvloop.new_event_loop()
    atexit.register(lambda: (loop.run_until_complete(outages.hang_up()), loop.close()))
    return loop


async def _run(function: Callable[..., Any], *args: Any) -> Any:
    return await asyncio.to_thread(function, *args)


def _title(name: str) -> str:
    """A header's name as the API's documents write it."""
    return {"www-authenticate": "WWW-Authenticate"}.get(name, name.title())


def assert_refused(answer: Answered, status: int, code: str) -> None:
    """The error body is whole and says what it must (A8, X17)."""
    assert (answer.status, answer.body["code"]) == (status, code), answer.content
    assert answer.body["statusCode"] == status
    assert answer.body["detail"] == answer.body["message"]
    assert answer.body["requestId"] == answer.headers["X-Request-Id"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
