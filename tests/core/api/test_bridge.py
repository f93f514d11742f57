"""ASGI without, WSGI within: a request becomes an environ, an answer becomes messages."""

import asyncio
import io
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tenlyr.core import context
from tenlyr.core.api import bridge
from tenlyr.core.api.bridge import Bridge, ClientGone

SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/a b/ü",
    "raw_path": b"/a%20b/%C3%BC",
    "query_string": b"q=1",
    "http_version": "1.1",
    "scheme": "http",
    "server": ("127.0.0.1", 8000),
    "client": ("192.0.2.7", 5),
    "headers": [
        (b"host", b"example.com"),
        (b"content-type", b"text/plain"),
        (b"x-tenant-id", b"one"),
        (b"x_tenant_id", b"forged"),
        (b"accept", b"a"),
        (b"accept", b"b"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
    ],
}


class Streamed:
    """An answer of Django's that is sent part by part."""

    streaming = True

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self.is_closed = parts, False

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        self.is_closed = True


def whole(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answers with the body it got."""
    start_response("201 Created", [("X-Seen", "yes")])
    return [b"you said ", environ["wsgi.input"].read()]


def serve(
    application: Any, *sent: Any, send: Any = None, most: int = 100
) -> tuple[list[Any], list[str]]:
    """The messages that go out for the messages that come in, and the threads that worked."""
    said: list[Any] = []
    threads: list[str] = []
    coming = iter(sent)

    async def receive() -> Any:
        return next(coming)

    async def keep(message: Any) -> None:
        said.append(message)

    def noted(*line: Any) -> Any:
        threads.append(threading.current_thread().name)
        return application(*line)

    served = Bridge(noted, threads=2, most_bytes=most)
    asyncio.run(served(SCOPE, receive, send or keep))
    return said, threads


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_an_answer_in_one_piece_by_a_thread_of_the_pool() -> None:
    said, threads = serve(whole, part(b"hel", more=True), part(b"lo"))
    assert said == [
        {"type": "http.response.start", "status": 201, "headers": [(b"x-seen", b"yes")]},
        {"type": "http.response.body", "body": b"you said hello"},
    ]
    assert threads == ["request_0"]


def test_nobody_works_for_a_caller_who_is_gone() -> None:
    assert serve(whole, part(b"hel", more=True), {"type": "http.disconnect"}) == ([], [])


def test_a_body_is_read_no_further_than_needed() -> None:
    said, _ = serve(whole, part(b"x" * 60, more=True), part(b"y" * 60, more=True), most=100)
    assert len(said[1]["body"]) == len(b"you said ") + 120, "a third part was never asked for"


def test_the_environ() -> None:
    environ = bridge.environ_of(SCOPE, b"body")
    assert environ["PATH_INFO"] == "/a b/ü".encode().decode("latin-1")
    assert (environ["QUERY_STRING"], environ["REMOTE_ADDR"]) == ("q=1", "192.0.2.7")
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("127.0.0.1", "8000")
    assert environ["HTTP_HOST"] == "example.com"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert environ["HTTP_X_TENANT_ID"] == "one", "an underscore posed as a dash"
    assert environ["HTTP_ACCEPT"] == "a,b"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert isinstance(environ["wsgi.input"], io.BytesIO)
    assert "DATABASE_URL" not in environ


@pytest.mark.parametrize("name", ["x", "charset"])
def test_a_content_type_that_cannot_be_read_is_none(name: str) -> None:
    unreadable = f"application/json; {name}*=bogus''utf-8".encode()
    headers = [(b"content-type", unreadable)]
    assert bridge.environ_of({**SCOPE, "headers": headers}, b"")["CONTENT_TYPE"] == ""


def test_a_stream_goes_out_part_by_part_and_is_closed() -> None:
    answer = Streamed(iter([b"a", b"", b"b"]))

    def application(environ: Any, start_response: Any) -> Streamed:
        start_response("200 OK", [])
        return answer

    said, _ = serve(application, part(b""))
    assert [message.get("body") for message in said] == [None, b"a", b"b", b""]
    assert [message.get("more_body") for message in said] == [None, True, True, None]
    assert answer.is_closed


def test_a_reader_who_stalls_holds_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "STALLED_S", 0.05)
    answer = Streamed(iter([b"a"] * 1_000))

    def application(environ: Any, start_response: Any) -> Streamed:
        start_response("200 OK", [])
        return answer

    async def stalls(message: Any) -> None:
        await asyncio.sleep(30)

    assert serve(application, part(b""), send=stalls)[0] == []
    assert answer.is_closed


def test_work_is_given_to_a_thread_with_the_callers_context() -> None:
    served = Bridge(whole, threads=1, most_bytes=1)

    async def run() -> tuple[str, str]:
        context.begin(context.RequestContext(request_id="mine"))
        return await served.run(
            lambda: (context.current().request_id, threading.current_thread().name)
        )

    assert asyncio.run(run()) == ("mine", "request_0")


def test_a_client_that_is_gone_is_no_answer() -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        asyncio.run(bridge.body_of(receive, 10))
