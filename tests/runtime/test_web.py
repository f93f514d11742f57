"""The web server: what it bounds, what it answers to what is no HTTP, and how it shares a port."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn.server import ServerState

from tenlyr.core import errors
from tenlyr.runtime import product, web


class Transport:
    """A connection that remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def get_extra_info(self, name: str) -> Any:
        return None

    def pause_reading(self) -> None:
        """Nobody sends here."""

    def resume_reading(self) -> None:
        """Nobody sends here."""


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what it got."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            head = [(b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": body})
            return


def answered(*parts: bytes, wait_s: float = 0) -> Transport:
    """What a connection gets for bytes that come in these parts."""

    async def run() -> Transport:
        transport = Transport()
        config = web.config()
        config.app = application
        protocol = web.Protocol(config, ServerState(), {}, asyncio.get_running_loop())
        protocol.connection_made(transport)  # type: ignore[arg-type]
        for part in parts:
            if not transport.is_closed:
                protocol.data_received(part)
            await asyncio.sleep(0)
        await asyncio.sleep(wait_s)
        for _ in range(5):
            await asyncio.sleep(0)
        was_closed = transport.is_closed
        protocol.connection_lost(None)
        transport.is_closed = was_closed
        return transport

    return asyncio.run(run())


HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"


def test_an_answer_goes_out_in_one_piece() -> None:
    (sent,) = answered(HEAD + b"{}").sent
    assert sent.startswith(b"HTTP/1.1 200 OK\r\n")
    assert sent.endswith(b"\r\n\r\n{}")


def test_a_request_may_come_byte_by_byte() -> None:
    (sent,) = answered(*(bytes([byte]) for byte in HEAD + b"{}")).sent
    assert sent.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "start",
    [
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
def test_what_is_no_http_gets_our_error_and_no_second_chance(start: bytes) -> None:
    transport = answered(start)
    head, _, body = transport.sent[-1].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    told = json.loads(body)
    assert (told["statusCode"], told["code"], told["error"]) == (400, "bad_request", "Bad Request")
    assert f"X-Request-Id: {told['requestId']}\r\n".encode() in head
    assert transport.is_closed


def test_a_head_without_end_is_refused() -> None:
    transport = answered(b"GET / HTTP/1.1\r\n", *(b"X-A: " + b"a" * 8_000 + b"\r\n",) * 9)
    assert transport.sent[0].startswith(b"HTTP/1.1 431 ")
    assert transport.is_closed


def test_whoever_falls_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "REQUEST_S", 0.01)
    assert answered(wait_s=0.05).sent[0].startswith(b"HTTP/1.1 408 ")
    assert answered(b"GET / HT", wait_s=0.05).sent[0].startswith(b"HTTP/1.1 408 ")
    in_the_body = answered(HEAD + b"{", wait_s=0.05)
    assert (in_the_body.sent, in_the_body.is_closed) == ([], True)


def test_a_connection_between_requests_may_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "REQUEST_S", 0.01)
    assert not answered(HEAD + b"{}", wait_s=0.05).is_closed


class Served:
    """Our protocol on a real port, and callers on real sockets."""

    def __init__(self) -> None:
        self.state = ServerState()
        self.config = web.config()
        self.config.app = application
        self.callers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "Served":
        loop = asyncio.get_running_loop()
        listening = web.listen("127.0.0.1", 0)
        self.port = listening.getsockname()[1]
        self.server = await loop.create_server(
            lambda: web.Protocol(self.config, self.state, {}, loop), sock=listening
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in self.callers:
            writer.close()
        self.server.close()
        await self.until(lambda: not self.state.connections and not self.state.tasks)

    async def call(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A new caller."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.callers.append(writer)
        return reader, writer

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for what the server will see in a moment."""
        async with asyncio.timeout(30):
            while not is_so():
                await asyncio.sleep(0.01)


async def echoed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """What a caller who stays gets for a small request."""
    writer.write(HEAD + b"{}")
    async with asyncio.timeout(30):
        return await reader.readuntil(b"\r\n\r\n{}")


def assert_unavailable(answer: bytes, request_id: str = "") -> None:
    """A whole answer in our shape, and nothing behind it."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ") for line in lines)}
    told = json.loads(body)
    assert status == "HTTP/1.1 503 Service Unavailable"
    assert headers["content-type"] == "application/json"
    assert (headers["content-length"], headers["retry-after"]) == (str(len(body)), "1")
    assert (headers["connection"], headers["x-request-id"]) == ("close", told["requestId"])
    assert (told["statusCode"], told["code"]) == (503, "unavailable")
    assert told["message"] == told["detail"] == errors.Unavailable.message
    assert told["requestId"] == request_id or not request_id
    assert len(told["requestId"]) > 0


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> int:
    """So many connections are served at once."""
    monkeypatch.setattr(web, "CONNECTIONS", 2)
    monkeypatch.setattr(web, "SURPLUS_S", 60)
    return 2


class TestTooMany:
    """A connection above the bound is told so; those within it notice nothing."""

    def test_the_ones_before_go_on_and_a_slot_that_is_free_is_taken(self, bound: int) -> None:
        async def run() -> None:
            async with Served() as served:
                before = [await served.call() for _ in range(bound)]
                for caller in before:
                    assert (await echoed(*caller)).startswith(b"HTTP/1.1 200 OK\r\n")
                for size in (2, 3_000_000):
                    reader, writer = await served.call()
                    head = HEAD.replace(b": 2", f": {size}\r\nX-Request-Id: mine".encode())
                    writer.write(head + b"x" * size)
                    assert_unavailable(await reader.read(), "mine")
                for caller in before:
                    assert (await echoed(*caller)).startswith(b"HTTP/1.1 200 OK\r\n")
                before[0][1].close()
                await served.until(lambda: len(served.state.connections) < bound)
                assert (await echoed(*await served.call())).startswith(b"HTTP/1.1 200 OK\r\n")
                assert (await echoed(*before[1])).startswith(b"HTTP/1.1 200 OK\r\n")

        asyncio.run(run())

    @pytest.mark.parametrize("start", [b"", b"GET / HT", HEAD, HEAD + b"{"])
    def test_one_who_falls_silent_is_told_soon(
        self, bound: int, start: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(web, "SURPLUS_S", 0.5)

        async def run() -> None:
            async with Served() as served:
                before = [await served.call() for _ in range(bound)]
                await served.until(lambda: len(served.state.connections) == bound)
                reader, writer = await served.call()
                writer.write(start)
                assert_unavailable(await reader.read())
                assert len(served.state.connections) == bound
                for caller in before:
                    assert (await echoed(*caller)).startswith(b"HTTP/1.1 200 OK\r\n")

        asyncio.run(run())

    def test_work_whose_callers_are_gone_counts(self, bound: int) -> None:
        async def run() -> None:
            async with Served() as served:
                left = [asyncio.create_task(asyncio.Event().wait()) for _ in range(bound)]
                served.state.tasks.update(left)
                reader, writer = await served.call()
                writer.write(HEAD + b"{}")
                assert_unavailable(await reader.read())
                for task in left:
                    task.cancel()
                served.state.tasks.difference_update(left)
                assert (await echoed(*await served.call())).startswith(b"HTTP/1.1 200 OK\r\n")

        asyncio.run(run())

    def test_uvicorn_answers_none_of_them(self) -> None:
        assert web.config().limit_concurrency is None


def test_several_listen_on_one_port() -> None:
    with web.listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with web.listen("127.0.0.1", port) as second:
            assert second.getsockname() == first.getsockname()


def test_the_product_starts_it() -> None:
    assert product.web(8000)[-6:] == [
        "-m", "tenlyr.runtime.web", "--host", "127.0.0.1", "--port", "8000",
    ]  # fmt: skip
