"""Which addresses a request of ours may reach: public ones, of other machines (B20)."""

import socket
from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOPBACK_4 = IPv4Network("127.0.0.0/8")
# Written out: Python's `is_global` is true of several of these (metadata services, multicast).
DENIED_4 = tuple(
    IPv4Network(one)
    for one in (
        "0.0.0.0/8",  # this network; 0.0.0.0 is this machine
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' private space, and 100.100.100.200 (metadata)
        "127.0.0.0/8",
        "168.63.129.16/32",  # metadata
        "169.254.0.0/16",  # link-local, and 169.254.169.254 (metadata)
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments, and 192.0.0.192 (metadata)
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# Outside 2000::/3 nothing is public: loopback, mapped and compatible IPv4, NAT64, local, multicast.
PUBLIC_6 = IPv6Network("2000::/3")
DENIED_6 = tuple(
    IPv6Network(one)
    for one in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "2620:4f:8000::/48",
        "3fff::/20",  # documentation
    )
)


def read(text: str) -> Address | None:
    """The address, or None when it is not written in the one canonical way (no zone either)."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return None if isinstance(address, IPv6Address) and address.scope_id else address


def is_in(address: Address, networks: Iterable[Network]) -> bool:
    """Whether one of the networks has the address."""
    return any(address in network for network in networks)


def is_public(address: Address) -> bool:
    """Whether the address is of the open internet, whoever owns it."""
    if isinstance(address, IPv4Address):
        return not is_in(address, DENIED_4)
    return address in PUBLIC_6 and not is_in(address, DENIED_6)


def is_ours(address: Address) -> bool:
    """Whether this machine has the address: only then can a socket be bound to it."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
