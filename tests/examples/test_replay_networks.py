"""Client networks and the tenants' owners."""

import re
from ipaddress import IPv4Address, IPv6Address

import pytest
from access_log_replay.networks import Prefixes, client, network_of, owner_email
from hypothesis import given
from hypothesis import strategies as st

NETWORKS = st.one_of(
    st.builds(
        lambda address, bits: network_of(str(address), Prefixes(ipv4=bits)),
        st.ip_addresses(v=4),
        st.integers(0, 32),
    ),
    st.builds(
        lambda address, bits: network_of(str(address), Prefixes(ipv6=bits)),
        st.ip_addresses(v=6),
        st.integers(0, 128),
    ),
)


class TestNetworkOf:
    @pytest.mark.parametrize(
        ("text", "network"),
        [
            ("203.0.113.9", "203.0.0.0/8"),
            ("2001:db8:1::9", "2001:db8::/32"),
            ("::ffff:203.0.113.9", "203.0.0.0/8"),
            ("fe80::1%eth0", "fe80::/32"),
            ("Crawl-1.Bot.Example.COM.", "example.com"),
            ("example.com", "example.com"),
        ],
    )
    def test_at_the_default_prefixes(self, text: str, network: str) -> None:
        assert network_of(text, Prefixes()) == network

    @pytest.mark.parametrize(("bits", "network"), [(0, "0.0.0.0/0"), (32, "203.0.113.9/32")])
    def test_at_the_extremes(self, bits: int, network: str) -> None:
        assert network_of("203.0.113.9", Prefixes(ipv4=bits)) == network


class TestClient:
    @pytest.mark.parametrize("text", ["-", "localhost", "203.0.113", "1.2.3.4.5", "a..b", "é.com"])
    def test_refuses_what_is_neither_address_nor_name(self, text: str) -> None:
        with pytest.raises(ValueError, match="does not appear"):
            client(text)

    @given(st.ip_addresses())
    def test_keeps_an_address(self, address: IPv4Address | IPv6Address) -> None:
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        assert client(str(address)) == (mapped or address)


class TestOwnerEmail:
    def test_lies_in_a_domain_nobody_owns(self) -> None:
        assert owner_email("203.0.0.0/8") == "203.0.0.0-8@access-log.example.com"

    @given(NETWORKS, NETWORKS)
    def test_is_one_address_per_network(self, one: str, other: str) -> None:
        assert (owner_email(one) == owner_email(other)) == (one == other)

    @given(NETWORKS)
    def test_is_an_address(self, network: str) -> None:
        assert re.fullmatch(r"[a-z0-9.-]{1,64}@access-log\.example\.com", owner_email(network))
