"""Connections to checked addresses: the one that was judged is the one that is met (T41)."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv6Address
from typing import TypeVar

from tenlyr.core.egress import addresses, guard, naming
from tenlyr.core.egress.addresses import Address
from tenlyr.core.egress.guard import Target
from tenlyr.core.errors import UrlNotAllowed

CONNECT_S = 2.0
# Bytes that the other side may send in all. A handshake has some 4 kB, an answer more than 64 kB is
# of no use to anybody.
MOST_BYTES = 65_536
MOST_HANDSHAKE_BYTES = 65_536
PIECE_BYTES = 16_384
MOST_ADDRESSES = 4

Result = TypeVar("Result")


class TooMuch(Exception):
    """The other side sends more than it may."""


class Wire:
    """One connection, plain or with TLS. Whoever waits for it bounds the wait, and closes it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._left = MOST_BYTES
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    async def secure(self, name: str) -> None:
        """Shake hands and see a good certificate of `name`. Raises `ssl.SSLError`."""
        self._left = MOST_HANDSHAKE_BYTES
        tls = context().wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        await self._through_tls(tls.do_handshake)
        self._tls, self._left = tls, MOST_BYTES

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        tls = self._tls
        if tls is None:
            await _loop().sock_sendall(self._sock, data)
        else:
            await self._through_tls(lambda: tls.write(data))

    async def receive(self) -> bytes:
        """What came, or b'' at the end. Raises `TooMuch`."""
        tls = self._tls
        if tls is None:
            return await self._raw()
        try:
            return await self._through_tls(lambda: tls.read(PIECE_BYTES))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def close(self) -> None:
        """At once, with nothing more said."""
        self._sock.close()

    async def _raw(self) -> bytes:
        data = await _loop().sock_recv(self._sock, PIECE_BYTES)
        self._left -= len(data)
        if self._left < 0:
            raise TooMuch
        return data

    async def _through_tls(self, act: Callable[[], Result]) -> Result:
        """Act as soon as TLS has the bytes that it needs, and send what it wants sent."""
        while True:
            try:
                result = act()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._feed()
                continue
            except ssl.SSLError:
                with suppress(ConnectionError):  # it may have gone; what it did is the error
                    await self._flush()  # an alert: it tells the other side why
                raise
            await self._flush()
            return result

    async def _flush(self) -> None:
        if data := self._outgoing.read():
            await _loop().sock_sendall(self._sock, data)

    async def _feed(self) -> None:
        if data := await self._raw():
            self._incoming.write(data)
        else:
            self._incoming.write_eof()


async def connect(target: Target, resolver: naming.Resolver = naming.look_up) -> Wire:
    """A connection to one of the target's addresses, the first that answers; TLS for https.

    Looking up and connecting take 2 s at most, TLS as long as the caller allows. Raises
    `UrlNotAllowed`, `TimeoutError`, `ssl.SSLError`, `OSError`.
    """
    async with asyncio.timeout(CONNECT_S):
        found = await guard.resolve(target, resolver)
        wire = Wire(await _first(target, found[:MOST_ADDRESSES]))
    if target.scheme == "https":
        try:
            await wire.secure(target.host)
        except BaseException:
            wire.close()
            raise
    return wire


async def _first(target: Target, found: list[Address]) -> socket.socket:
    """Each address gets its share of the time, so that a silent first one is not the only one."""
    *others, last = found
    for address in others:
        try:
            async with asyncio.timeout(CONNECT_S / len(found)):
                return await _connected(address, target.port)
        except OSError:  # a time-out is one too
            continue
    return await _connected(last, target.port)


async def _connected(address: Address, port: int) -> socket.socket:
    is_6 = isinstance(address, IPv6Address)
    sock = socket.socket(socket.AF_INET6 if is_6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await _loop().sock_connect(sock, (str(address), port))
        if not is_met(sock, address, port):
            raise UrlNotAllowed(internal=f"asked for {address}, met {sock.getpeername()[0]}")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def is_met(sock: socket.socket, address: Address, port: int) -> bool:
    """Whether the socket's other end is where it was meant to be."""
    peer = sock.getpeername()
    return (addresses.read(peer[0]), peer[1]) == (address, port)


@lru_cache(maxsize=1)
def context() -> ssl.SSLContext:
    """TLS 1.2 or later, the system's authorities (`SSL_CERT_FILE` names others), the name checked.

    Kept: reading the authorities takes some 20 ms.
    """
    made = ssl.create_default_context()
    # Debian's Python leaves it to OpenSSL, whose settings there name none.
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    return made


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()
