"""Where a request of ours may go: a URL, read in one strict way, and its addresses (B20, B21)."""

import asyncio
import re
import socket
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

import structlog
from django.conf import settings
from django.db import transaction

from tenlyr.core.egress import addresses, naming
from tenlyr.core.egress.addresses import Address
from tenlyr.core.errors import UrlNotAllowed

log = structlog.get_logger(__name__)

LONGEST_URL = 2_048
LOOK_UP_S = 2.0
PORTS = {"https": 443, "http": 80}
LOOPBACK: tuple[Address, ...] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))

# Backslashes, users, fragments and odd hosts mean different things to different readers: here
# they mean a refusal, so that no second reader can disagree.
PRINTABLE = re.compile(r"[!-~]+")
PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\\]*)([^#\\]*)")
AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that was read and may be called, as far as it alone can tell."""

    scheme: str
    host: str
    port: int
    path: str
    literal: Address | None
    is_loopback: bool

    @property
    def authority(self) -> str:
        """What the `Host` header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def check(url: str) -> Target:
    """Read a URL, asking no name server. Raises `UrlNotAllowed` (422, T33).

    https on one of `TENLYR_EGRESS_PORTS`; with `TENLYR_EGRESS_ALLOW_LOOPBACK` also http and any
    port, of `localhost` and loopback addresses only.
    """
    scheme, host, port, path = _parts(url)
    literal = _literal(host)
    if literal is None:
        _check_name(host)
    is_loopback = settings.EGRESS_ALLOW_LOOPBACK and _is_loopback(host, literal)
    target = Target(scheme, host, port, path, literal, is_loopback)
    _check_service(target)
    if literal is not None:
        judge(target, literal)
    return target


async def resolve(target: Target, resolver: naming.Resolver = naming.look_up) -> list[Address]:
    """The addresses to connect to, each checked; one that is refused refuses all of them.

    Raises `UrlNotAllowed`, and `OSError` when the name has no address.
    """
    if target.literal is not None:
        judge(target, target.literal)
        return [target.literal]
    if target.is_loopback:
        return list(LOOPBACK)
    found = [addresses.read(one) for one in await resolver(target.host)]
    for address in found:
        judge(target, address)
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
    return [address for address in found if address is not None]


def vet(url: str, resolver: naming.Resolver = naming.look_up) -> Target:
    """Check a URL that somebody registers, and its name's addresses. Raises `UrlNotAllowed`.

    A name that has no address now, or whose servers take over 2 s, may have one later: it passes
    here, and is judged again at each connection. Blocks; not for an event loop, and not inside a
    transaction, whose locks others would wait for: raises `RuntimeError` there.
    """
    if transaction.get_connection().in_atomic_block:
        raise RuntimeError("a URL is vetted before the transaction that keeps it")
    target = check(url)

    async def judged() -> None:
        async with asyncio.timeout(LOOK_UP_S):
            await resolve(target, resolver)

    try:
        asyncio.run(judged())
    except OSError:  # a time-out is one too
        return target
    return target


def judge(target: Target, address: Address | None) -> None:
    """Raises `UrlNotAllowed` when the target may not be reached at the address."""
    if target.is_loopback and address is not None and address in _loopback_of(target):
        return
    if address is None or not _is_allowed(address):
        # Which address a name of the inner network has is none of the caller's business.
        raise _refused(
            "its address is not a public one"
            if target.literal is not None
            else "its name has an address that is not a public one",
            internal=f"{target.host} is {address}",
        )


def _loopback_of(target: Target) -> tuple[Address, ...]:
    return LOOPBACK if target.literal is None else (target.literal,)


def _is_allowed(address: Address) -> bool:
    for network in settings.EGRESS_ALLOW:
        if address in network:
            _tell(network)
            return True
    return addresses.is_public(address) and not addresses.is_ours(address)


@lru_cache
def _tell(network: addresses.Network) -> None:
    """Once in each process: an opening in the wall is not a secret."""
    log.warning("egress.network_allowed", network=str(network))


def _parts(url: str) -> tuple[str, str, int, str]:
    if len(url) > LONGEST_URL:
        raise _refused(f"it is longer than {LONGEST_URL} characters")
    if not PRINTABLE.fullmatch(url):
        raise _refused("it has a blank, a control character or one beyond ASCII (xn--, %20)")
    found = PARTS.fullmatch(url)
    if found is None:
        raise _refused("it must be absolute, without a backslash or a fragment")
    scheme = found[1].lower()
    if scheme not in PORTS:
        raise _refused("it must begin with https://")
    host, port = _host_and_port(found[2], PORTS[scheme])
    rest = found[3]
    return scheme, host, port, rest if rest.startswith("/") else f"/{rest}"


def _host_and_port(authority: str, usual: int) -> tuple[str, int]:
    if "@" in authority:
        raise _refused("it must not name a user")
    found = AUTHORITY.fullmatch(authority)
    if found is None:
        raise _refused("its host is neither a name nor an address")
    port = int(found[2]) if found[2] else usual
    if not 0 < port < 65536:
        raise _refused("there is no such port")
    return found[1].lower().strip("[]"), port


def _literal(host: str) -> Address | None:
    """The address that the host is written as. Whatever a browser would read as one, such as
    `127.1` or `0x7f000001`, must be canonical.
    """
    if ":" not in host and not NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return None
    address = addresses.read(host)
    if address is None:
        raise _refused("its address must be written as 192.0.2.1 or [2001:db8::1]")
    return address


def _check_name(host: str) -> None:
    if len(host) > 253 or not all(LABEL.fullmatch(label) for label in host.split(".")):
        raise _refused("its host is not a name (a dot at the end?)")
    is_named_loopback = _is_loopback(host, None)
    if is_named_loopback and not settings.EGRESS_ALLOW_LOOPBACK:
        raise _refused("its host is this machine")
    if host in settings.ALLOWED_HOSTS and not is_named_loopback:
        raise _refused("its host is this installation")


def _is_loopback(host: str, literal: Address | None) -> bool:
    if literal is None:
        return host == "localhost" or host.endswith(".localhost")
    return literal in addresses.LOOPBACK_4 if literal.version == 4 else literal == LOOPBACK[1]


def _check_service(target: Target) -> None:
    if target.is_loopback:
        return
    if target.scheme != "https":
        raise _refused("it must begin with https://")
    if target.port not in settings.EGRESS_PORTS:
        ports = " or ".join(str(port) for port in settings.EGRESS_PORTS)
        raise _refused(f"its port must be {ports}")


def _refused(reason: str, *, internal: str = "") -> UrlNotAllowed:
    return UrlNotAllowed(f"The URL is not allowed: {reason}.", internal=internal)
