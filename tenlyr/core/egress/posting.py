"""One POST to a URL that a customer gave; whatever it meets, it is bounded (R9, T40-T46)."""

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping

import h11

from tenlyr.core.egress import connecting, guard, naming, replies
from tenlyr.core.egress.connecting import TooMuch, Wire
from tenlyr.core.egress.guard import Target
from tenlyr.core.egress.replies import Outcome, Reply
from tenlyr.core.errors import UrlNotAllowed

DEADLINE_S = 5.0
# How long the rest of an answer is waited for, once its status is known.
REST_S = 1.0
MOST_HEAD_BYTES = 16_384
# Parts of an answer: interim statuses, and pieces of the body. Each costs us time to read.
MOST_PARTS = 256
USUAL = {"User-Agent": "Tenlyr/1", "Content-Type": "application/json", "Accept": "*/*"}
# What a receiver can cause. Anything else that is raised is a mistake of ours.
CAUSED = (UrlNotAllowed, OSError, h11.RemoteProtocolError, TooMuch)


async def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    deadline_s: float = DEADLINE_S,
    resolver: naming.Resolver = naming.look_up,
) -> Reply:
    """POST to the URL, HTTP/1.1, over a connection of its own. Never raises for what it meets.

    No proxy, redirect or compression; no setting but ours. The whole takes at most `deadline_s`
    seconds; at most 64 kB of the answer are read, and 1 kB is kept.
    """
    began = time.monotonic()
    end = asyncio.get_running_loop().time() + deadline_s
    with contextlib.ExitStack() as held:
        try:
            async with asyncio.timeout_at(end):
                target = guard.check(url)
                wire = await connecting.connect(target, resolver)
                held.callback(wire.close)
                exchange = Exchange(wire)
                await exchange.ask(target, headers, body)
                head = await exchange.head()
        except CAUSED as error:
            outcome, reason = _explained(error, deadline_s)
            return Reply(outcome, None, b"", _ms_since(began), reason)
        latency_ms = _ms_since(began)
        kept = await _rest(exchange, end)
    outcome, reason = replies.outcome_of(head.status_code)
    return Reply(outcome, head.status_code, kept, latency_ms, reason, _retry_after(head))


def post_now(
    url: str, body: bytes, headers: Mapping[str, str], *, deadline_s: float = DEADLINE_S
) -> Reply:
    """`post` for a thread without an event loop."""
    return asyncio.run(post(url, body, headers, deadline_s=deadline_s))


class Exchange:
    """One question and its answer over a wire."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEAD_BYTES)
        self._parts = 0
        self._has_heard = False
        self.kept = b""

    async def ask(self, target: Target, headers: Mapping[str, str], body: bytes) -> None:
        """Send the request."""
        lines = list(_lines(target, headers, len(body)))
        request = h11.Request(method="POST", target=target.path, headers=lines)
        data = self._http.send(request) or b""
        data += self._http.send(h11.Data(data=body)) or b""
        data += self._http.send(h11.EndOfMessage()) or b""
        # A receiver may answer, and hang up, before it has heard us out: what it said counts.
        with contextlib.suppress(ConnectionError):
            await self._wire.send(data)

    async def head(self) -> h11.Response:
        """The final status with its headers; interim ones are passed over."""
        while not isinstance(part := await self._part(), h11.Response):
            pass
        return part

    async def rest(self) -> None:
        """Read the body to its end; its beginning is in `kept`, also when this is given up."""
        while isinstance(part := await self._part(), h11.Data):
            self.kept = (self.kept + bytes(part.data))[: replies.KEPT_BYTES]

    async def _part(self) -> object:
        while (part := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._received())
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise TooMuch
        return part

    async def _received(self) -> bytes:
        data = await self._wire.receive()
        self._has_heard |= bool(data)
        if not self._has_heard:
            raise ConnectionResetError(errno.ECONNRESET, "closed without a word")
        return data


def _lines(target: Target, headers: Mapping[str, str], length: int) -> Iterator[tuple[str, str]]:
    given = {name.lower() for name in headers}
    yield "Host", target.authority
    yield from headers.items()
    yield from ((name, value) for name, value in USUAL.items() if name.lower() not in given)
    yield "Content-Length", str(length)
    yield "Connection", "close"


async def _rest(exchange: Exchange, end: float) -> bytes:
    """The status is known and decides: that the body is endless, slow or broken changes nothing."""
    soon = asyncio.get_running_loop().time() + REST_S
    with contextlib.suppress(OSError, h11.RemoteProtocolError, TooMuch):
        async with asyncio.timeout_at(min(end, soon)):
            await exchange.rest()
    return exchange.kept


def _explained(error: Exception, deadline_s: float) -> tuple[Outcome, str]:
    """The outcome, and a sentence that tells the owner of the URL what to look at."""
    match error:
        case UrlNotAllowed():
            return Outcome.BLOCKED, error.public
        case TooMuch():
            return Outcome.BROKEN, "The receiver's answer is too long."
        case h11.RemoteProtocolError():
            return Outcome.BROKEN, "The receiver's answer is not HTTP/1.1."
        case ssl.SSLCertVerificationError():
            return (
                Outcome.TLS_FAILED,
                f"The certificate is refused: {error.verify_message.rstrip('.')}.",
            )
        case ssl.SSLError():
            return Outcome.TLS_FAILED, "The TLS handshake failed."
        case TimeoutError():
            limits = f"{connecting.CONNECT_S:g} s to connect, {deadline_s:g} s in all"
            return Outcome.TIMEOUT, f"No answer in time: {limits}."
        case socket.gaierror():
            return Outcome.UNREACHABLE, "The host's name has no address."
        case _:
            words = os.strerror(getattr(error, "errno", None) or errno.EIO).lower()
            return Outcome.UNREACHABLE, f"The receiver cannot be reached: {words}."


def _retry_after(head: h11.Response) -> str | None:
    """The header as text: whoever uses it reads it as strictly as it deserves (T45)."""
    for name, value in head.headers:
        if name == b"retry-after":
            return str(value[: replies.LONGEST_RETRY_AFTER], "latin-1")
    return None


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
