"""The web server: what it bounds, what it answers to what is no HTTP, and how it shares a port."""

import asyncio
import json
from typing import Any

import pytest
from uvicorn.server import ServerState

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
    assert (json.loads(body)["statusCode"], json.loads(body)["code"]) == (400, "bad_request")
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


def test_several_listen_on_one_port() -> None:
    with web.listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with web.listen("127.0.0.1", port) as second:
            assert second.getsockname() == first.getsockname()


def test_the_product_starts_it() -> None:
    assert product.web(8000)[-6:] == [
        "-m", "tenlyr.runtime.web", "--host", "127.0.0.1", "--port", "8000",
    ]  # fmt: skip
