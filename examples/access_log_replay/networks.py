"""Which client network a log line belongs to, and the tenant that stands for it."""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

# A server with HostnameLookups on writes names; a dot and a letter tell one from a broken address.
_HOSTNAME = re.compile(r"(?=.*[a-z])[a-z0-9_-]+(\.[a-z0-9_-]+)+\.?")
_OWNER_DOMAIN = "access-log.example.com"


@dataclass(frozen=True, slots=True)
class Prefixes:
    """How many leading bits make a client network, for each family of addresses."""

    ipv4: int = 8
    ipv6: int = 32

    def of(self, address: Address) -> int:
        return self.ipv4 if address.version == 4 else self.ipv6


@lru_cache(maxsize=65_536)
def client(text: str) -> Address | str:
    """The client of a log line: an address, or a host name in lower case.

    Raises ValueError for anything else. An IPv4 client of a dual-stack socket
    (``::ffff:192.0.2.1``) is the IPv4 address; a zone (``fe80::1%eth0``) is dropped.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        name = text.lower()
        if len(name) > 253 or not _HOSTNAME.fullmatch(name):
            raise
        return name.rstrip(".")
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=65_536)
def network_of(client_text: str, prefixes: Prefixes) -> str:
    """The network of a client: ``203.0.0.0/8``, ``2001:db8::/32``, or a name's last two labels."""
    found = client(client_text)
    if isinstance(found, str):
        return ".".join(found.split(".")[-2:])
    return str(ip_network((found, prefixes.of(found)), strict=False))


def owner_email(network: str) -> str:
    """The tenant's owner: one address per network, in a domain that nobody can own (RFC 2606)."""
    return f"{re.sub('[^a-z0-9.]', '-', network)}@{_OWNER_DOMAIN}"
