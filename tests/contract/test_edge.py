"""The edge as it really is: the web server and what is behind it, byte by byte (B01, B10-B12).

Where the server itself refuses, before any code of ours runs, its answer has no body of ours; what
counts there is that nothing got through and nothing broke.
"""

import json
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

BOUND_S = 10
QUIET_S = 0.7


@dataclass(frozen=True)
class Reply:
    """What came back: 0 when the connection was closed without a word."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@pytest.fixture
def port(product: Any) -> int:
    """Where the product listens."""
    return int(urlsplit(product.url).port or 0)


def send(port: int, *pieces: bytes, is_kept: bool = False) -> list[Reply]:
    """Write the pieces on one connection and read until the server closes it, or (when it is kept)
    until nothing comes any more.
    """
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=BOUND_S) as line:
        # It may hang up while we talk: what it said before that is read all the same.
        with suppress(ConnectionError):
            for piece in pieces:
                line.sendall(piece)
        line.settimeout(QUIET_S if is_kept else BOUND_S)
        with suppress(ConnectionError, TimeoutError):
            while chunk := line.recv(65_536):
                received += chunk
    return list(split(received))


def split(received: bytes) -> list[Reply]:
    """The answers on a connection, one after the other."""
    replies = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        length = int(headers.get("content-length", "0"))
        replies.append(Reply(int(first.split()[1]), headers, rest[:length]))
        received = rest[length:]
    return replies


def head(method: str, path: str, *lines: str, key: str = "", host: str = "localhost") -> bytes:
    """The head of a request that ends its connection."""
    fixed = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    fixed += [f"Authorization: Bearer {key}"] if key else []
    return "\r\n".join([*fixed, *lines, "", ""]).encode("latin-1")


def chunks(body: bytes, size: int = 7) -> bytes:
    """A body in chunks."""
    cut = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in cut) + b"0\r\n\r\n"


CHUNKED = ("Content-Type: application/json", "Transfer-Encoding: chunked")


def test_a_body_in_chunks_is_read_like_any_other(product: Any, port: int) -> None:
    body = json.dumps({"name": "In chunks", "ownerEmail": "chunks@example.com"}).encode()
    start = head("POST", "/api/v1/tenants", *CHUNKED, key=product.admin_key)
    [reply] = send(port, start, chunks(body))
    assert (reply.status, reply.json["tenant"]["name"]) == (201, "In chunks")


@pytest.mark.parametrize("path", ["/api/v1/tenants", "/api/v1/usage/track"])
def test_an_endless_body_in_chunks_is_cut_off(product: Any, port: int, path: str) -> None:
    made = head("POST", "/api/v1/tenants", *CHUNKED, key=product.admin_key)
    tenant = json.dumps(
        {"name": "Endless", "ownerEmail": f"endless{len(path)}@example.com"}
    ).encode()
    key = send(port, made, chunks(tenant))[0].json["apiKey"] if "usage" in path else ""
    start = head("POST", path, *CHUNKED, key=key or product.admin_key)
    [reply] = send(port, start, chunks(b" " * (3 << 20), size=1 << 16))
    assert (reply.status, reply.json["code"]) == (413, "body_too_large")


def test_a_long_body_is_refused_by_its_length_alone(product: Any, port: int) -> None:
    start = head(
        "POST",
        "/api/v1/tenants",
        "Content-Type: application/json",
        f"Content-Length: {2 << 20}",
        key=product.admin_key,
    )
    [reply] = send(port, start + b" " * (2 << 20))
    assert (reply.status, reply.json["code"]) == (413, "body_too_large")


SMUGGLED = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
FRAMING = {
    "length and chunks": [
        "Transfer-Encoding: chunked",
        f"Content-Length: {len(SMUGGLED) + 5}",
    ],
    "two lengths": ["Content-Length: 0", f"Content-Length: {len(SMUGGLED)}"],
    "length with a sign": [f"Content-Length: +{len(SMUGGLED)}"],
    "length in hex": [f"Content-Length: 0x{len(SMUGGLED):x}"],
    "an unknown coding": ["Transfer-Encoding: xchunked"],
    "chunked, then another": ["Transfer-Encoding: chunked, identity"],
    "a space before the colon": [f"Content-Length : {len(SMUGGLED)}"],
    "a folded line": ["X-Folded: a", " b"],
    "a NUL in a value": ["X-Nul: a\x00b"],
    "a control character in a name": ["X\x01: a"],
}


@pytest.mark.parametrize("lines", FRAMING.values(), ids=FRAMING)
def test_no_second_request_hides_in_the_first(port: int, lines: list[str]) -> None:
    start = "POST /livez HTTP/1.1\r\nHost: localhost\r\n"
    request = start + "".join(f"{line}\r\n" for line in lines) + "\r\n"
    sent = request.encode("latin-1") + b"0\r\n\r\n" + SMUGGLED
    replies = send(port, sent, is_kept=True)
    assert [one.status for one in replies if one.status >= 500] == []
    assert sum(one.status == 200 and b'"ok"' in one.body for one in replies) <= 1


@pytest.mark.parametrize(
    "start",
    [
        head("GET", "/livez%00"),
        head("GET", "/%ff%fe"),
        head("GET", "/api/v1/tenants?limit=%ff%fe"),
        head("TRACE", "/api/v1/tenants"),
        head("CONNECT", "evil.example:443"),
        head("GET", "http://evil.example/api/v1/tenants"),
        head("GET", "/livez", host="evil.example"),
        head("GET", "/api/v1/tenants", "Host: evil.example"),
        head("GET", "/api/v1/tenants", "Authorization: Bearer \xff\xfe"),
        head("GET", "/api/v1/tenants", "X-Request-Id: \xff"),
        head("GET", "/api/v1/tenants", "User-Agent: \xc3\xa9"),
        head("GET", "/api/v1/tenants", *(f"X-{n}: {n}" for n in range(1_000))),
        head("GET", "/api/v1/tenants", f"X-Long: {'x' * 500_000}"),
        head("GET", f"/{'x' * 100_000}"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /livez HTTP/1.1\r\n\r\n",
        b"\r\n\r\n\r\n",
        b"",
    ],
    ids=lambda start: repr(start[:30]),
)
def test_whatever_comes_it_is_refused_and_not_by_breaking(port: int, start: bytes) -> None:
    replies = send(port, start, is_kept=True)
    assert all(400 <= one.status < 500 for one in replies)
    for one in replies:
        if one.body:
            assert one.json["statusCode"] == one.status
    [alive] = send(port, head("GET", "/livez"))
    assert alive.status == 200


def test_what_the_server_tells_of_itself_is_little(port: int) -> None:
    [reply] = send(port, head("GET", "/livez"))
    assert "server" not in reply.headers
    assert "x-powered-by" not in reply.headers
