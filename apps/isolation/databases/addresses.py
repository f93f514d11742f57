"""Addresses of databases: read, checked, and kept sealed at rest."""

from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from apps.isolation.databases.errors import BadAddress
from tenlyr.core import secrets

SCHEMES = ("postgres", "postgresql")
# What else a client may be told: how to reach the server, never what a session is.
MORE = ("sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding", "gssencmode")
CONNECT_TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class Address:
    """`postgresql://user:password@host:port/name?sslmode=…`, in its parts. Never shown whole."""

    host: str
    port: int
    name: str
    user: str = ""
    password: str = ""
    more: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.host}:{self.port}/{self.name}"

    __repr__ = __str__

    @property
    def dsn(self) -> str:
        """The whole address, with the password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user else ""
        more = f"?{urlencode(self.more)}" if self.more else ""
        return f"postgresql://{login}{host}:{self.port}/{quote(self.name, safe='')}{more}"

    def named(self, name: str) -> "Address":
        """Another database of the same server."""
        return replace(self, name=name)

    @property
    def params(self) -> dict[str, str | int]:
        """What psycopg connects with, the login apart."""
        return {"host": self.host, "port": self.port, "dbname": self.name, **dict(self.more)}


def parse(dsn: str, *, what: str = "The address", has_login: bool = True) -> Address:
    """Read an address; raises `BadAddress` with what is wrong. `what` begins the sentence."""
    try:
        parts = urlsplit(dsn.strip())
        port = parts.port or 5432
        # As whoever resolves it will: an empty or too long label is the address' own mistake.
        (parts.hostname or "").encode("idna")
    except ValueError:
        raise BadAddress(f"{what} cannot be read.") from None
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise BadAddress(f"{what} must begin with postgresql:// and name a host.")
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise BadAddress(f"{what} names no database: end it with /NAME.")
    if has_login and not parts.username:
        raise BadAddress(f"{what} names no user: write postgresql://USER:PASSWORD@HOST/NAME.")
    more = tuple(parse_qsl(parts.query, keep_blank_values=True))
    for option, _ in more:
        if option not in MORE:
            raise BadAddress(f"{what} has the option {option!r}, which is not taken.")
    login = (unquote(parts.username or ""), unquote(parts.password or ""))
    return Address(parts.hostname, port, name, *login, more)


def seal(address: Address, place: str) -> bytes:
    """The address as it is kept; `place` names table and column."""
    return secrets.seal(address.dsn.encode(), place=place)


def unseal(sealed: bytes | memoryview, place: str) -> Address:
    """Undo `seal`; raises `secrets.CannotDecrypt` when another secret sealed it."""
    return parse(secrets.unseal(bytes(sealed), place=place).decode())
