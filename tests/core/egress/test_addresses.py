"""Which addresses are public (B20)."""

import socket
from ipaddress import ip_address

import pytest

from tenlyr.core.egress import addresses

NOT_PUBLIC = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16
169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1
198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1
64:ff9b::7f00:1 64:ff9b:1::1 100::1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1
2002:7f00:1:: 2002:808:808:: 2620:4f:8000::1 3fff::1 3fff:fff::1 4000::1 5f00::1 fc00::1
fd00:ec2::254 fe80::1 fec0::1 ff02::1 ffff::1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
168.63.129.15 168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0
192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
2001:200::1 2001:4860:4860::8888 2003::1 2606:4700::1111 2a00:1450::1 3ffe:ffff::1 3fff:1000::1
"""


@pytest.mark.parametrize("text", NOT_PUBLIC.split())
def test_not_public(text: str) -> None:
    assert not addresses.is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC.split())
def test_public(text: str) -> None:
    assert addresses.is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "127.1",
        "0177.0.0.1",
        "127.0.0.01",
        "2130706433",
        "0x7f.1",
        "fe80::1%eth0",
        "1.2.3.4 ",
        "1.2.3.4/32",
        "::1%1",
        "[::1]",
        "\uff11.1.1.1",
    ],
)
def test_what_is_not_canonical_is_no_address(text: str) -> None:
    assert addresses.read(text) is None


def test_an_address_of_this_machine_is_ours() -> None:
    for text in ("127.0.0.1", "127.9.8.7", "0.0.0.0", "::1"):  # noqa: S104 - nothing is bound here
        assert addresses.is_ours(ip_address(text)), text
    for text in ("1.1.1.1", "192.0.2.7", "2606:4700::1111"):
        assert not addresses.is_ours(ip_address(text)), text


def test_looking_whether_it_is_ours_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []

    class Remembered(socket.socket):
        def __init__(self, *given: int) -> None:
            super().__init__(*given)
            made.append(self)

    monkeypatch.setattr(socket, "socket", Remembered)
    addresses.is_ours(ip_address("127.0.0.1"))
    addresses.is_ours(ip_address("192.0.2.7"))
    assert [one.fileno() for one in made] == [-1, -1]
