"""Reading a URL and judging its addresses (T33, B20, B21)."""

import asyncio
import re
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenlyr.core.egress import addresses, guard, naming
from tenlyr.core.errors import UrlNotAllowed
from tests.core.egress import traps
from tests.core.transactions import undone

INSTALLATION = "tenlyr.example.com"
DOTTED = re.compile(r"(\d+\.\d+\.\d+\.\d+)\.nip\.io")


def knowing(*found: str) -> naming.Resolver:
    """A resolver that knows these addresses of every name."""

    async def look_up(name: str) -> list[str]:
        return list(found)

    return look_up


async def nip_io(name: str) -> list[str]:
    """A resolver like that of nip.io: the name says the address."""
    return [found[1] for found in [DOTTED.fullmatch(name)] if found]


def resolved(url: str, resolver: naming.Resolver) -> Sequence[addresses.Address]:
    """The addresses that a connection may be made to."""
    return asyncio.run(guard.resolve(guard.check(url), resolver))


@pytest.fixture(autouse=True)
def _installed(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost", INSTALLATION]


class TestTraps:
    @pytest.mark.parametrize("host", traps.HOSTS.values(), ids=traps.HOSTS)
    def test_a_host_is_refused(self, host: str) -> None:
        with pytest.raises(UrlNotAllowed) as refused:
            guard.check(f"https://{host}/hook")
        assert (refused.value.status, refused.value.code) == (422, "url_not_allowed")
        assert refused.value.public.startswith("The URL is not allowed: ")

    @pytest.mark.parametrize("url", traps.SERVICES.values(), ids=traps.SERVICES)
    def test_a_service_is_refused(self, url: str) -> None:
        with pytest.raises(UrlNotAllowed):
            guard.check(url)

    @pytest.mark.parametrize("host", traps.HOSTS.values(), ids=traps.HOSTS)
    def test_allowing_loopback_opens_loopback_alone(self, developing: Any, host: str) -> None:
        developing.EGRESS_PORTS = ()
        try:
            target = guard.check(f"http://{host}:8000/hook")
        except UrlNotAllowed:
            return
        written = target.host if target.literal is None else str(target.literal)
        assert written in {"127.0.0.1", "::1", "localhost", "any.localhost"}

    def test_names_that_spell_an_inner_address(self) -> None:
        for inner in ("127.0.0.1", "10.1.2.3", "169.254.169.254"):
            with pytest.raises(UrlNotAllowed):
                guard.vet(f"https://{inner}.nip.io/", nip_io)
        assert resolved("https://8.8.8.8.nip.io/", nip_io) == [ip_address("8.8.8.8")]


class TestNames:
    @pytest.mark.parametrize("inner", ["10.0.0.1", "::1", "fe80::1%eth0", "no address", "fd00::1"])
    def test_one_inner_address_among_public_ones_refuses_all(self, inner: str) -> None:
        for found in (["8.8.8.8", inner], [inner, "8.8.8.8"], [inner]):
            with pytest.raises(UrlNotAllowed):
                resolved("https://good.example/", knowing(*found))

    def test_the_refusal_does_not_tell_the_address(self) -> None:
        with pytest.raises(UrlNotAllowed) as refused:
            guard.vet("https://good.example/", knowing("10.20.30.40"))
        assert "10.20.30.40" not in str(refused.value.body("r"))
        assert "10.20.30.40" in refused.value.internal

    def test_all_public_ones_are_given_in_order(self) -> None:
        found = ["2606:4700::1111", "8.8.8.8", "1.1.1.1"]
        assert [str(one) for one in resolved("https://good.example/", knowing(*found))] == found

    def test_an_address_of_this_machine_is_refused_though_it_is_public(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(addresses, "is_public", lambda address: True)
        for url in ("https://127.0.0.1/", "https://[::1]/"):
            with pytest.raises(UrlNotAllowed):
                resolved(url.replace("127.0.0.1", "127.1.2.3"), knowing())
        with pytest.raises(UrlNotAllowed):
            resolved("https://good.example/", knowing("127.1.2.3"))

    def test_no_address_is_an_error_of_the_network(self) -> None:
        with pytest.raises(OSError, match="no address"):
            resolved("https://good.example/", knowing())


class TestRegistering:
    def test_a_name_without_an_address_may_have_one_later(self) -> None:
        assert guard.vet("https://good.example/a", knowing()).host == "good.example"

    def test_a_name_server_that_is_silent_is_not_waited_for(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def silent(name: str) -> list[str]:
            await asyncio.Event().wait()
            return []

        monkeypatch.setattr(guard, "LOOK_UP_S", 0.01)
        assert guard.vet("https://good.example/a", silent).path == "/a"

    def test_nobody_waits_for_a_name_server_with_locks_in_hand(self) -> None:
        asked: list[str] = []

        async def noted(name: str) -> list[str]:
            asked.append(name)
            return ["8.8.8.8"]

        with undone(), pytest.raises(RuntimeError, match="before the transaction"):
            guard.vet("https://good.example/a", noted)
        assert asked == []
        guard.vet("https://good.example/a", noted)
        assert asked == ["good.example"]

    def test_a_public_one_passes(self) -> None:
        assert guard.vet("https://good.example/a", knowing("8.8.8.8")).port == 443


class TestReading:
    @pytest.mark.parametrize(
        ("url", "wanted"),
        [
            ("https://good.example", ("good.example", 443, "/", "good.example")),
            ("HTTPS://Good.Example:443/a/B", ("good.example", 443, "/a/B", "good.example")),
            ("https://good.example:8443?q=@1", ("good.example", 8443, "/?q=@1", None)),
            ("https://good.example/@x:y@z//%2e/..", ("good.example", 443, "/@x:y@z//%2e/..", None)),
            ("https://xn--bcher-kva.example/", ("xn--bcher-kva.example", 443, "/", None)),
            ("https://a_b.c-d.example/", ("a_b.c-d.example", 443, "/", None)),
            ("https://8.8.8.8/", ("8.8.8.8", 443, "/", "8.8.8.8")),
            ("https://[2606:4700::1111]/", ("2606:4700::1111", 443, "/", "[2606:4700::1111]")),
            (
                "https://[2606:4700::1111]:8443/",
                ("2606:4700::1111", 8443, "/", "[2606:4700::1111]:8443"),
            ),
        ],
    )
    def test_what_is_allowed(self, url: str, wanted: tuple[str, int, str, str | None]) -> None:
        target = guard.check(url)
        assert (target.scheme, target.host, target.port, target.path) == ("https", *wanted[:3])
        authority = wanted[3] or (wanted[0] if wanted[1] == 443 else f"{wanted[0]}:{wanted[1]}")
        assert target.authority == authority
        assert not target.is_loopback

    @given(
        url=st.builds(
            "{}{}{}".format,
            st.sampled_from(["https://", "HTTPS://", "https:/", "https:\\\\", "http://", ""]),
            st.text("a1.:/@\\#?%[]-_\t\r\n x\uff0e\u3002", max_size=20),
            st.sampled_from(["", ":443", ".example/", "@8.8.8.8/", "8.8.8.8", "/?#"]),
        )
    )
    def test_what_passes_is_read_alike_by_others(self, url: str) -> None:
        """Whoever else reads a URL that passed sees the same host, port and path."""
        try:
            target = guard.check(url)
        except UrlNotAllowed:
            return
        parts, theirs = urlsplit(url), httpx.URL(url)
        assert (parts.hostname, parts.port or 443) == (target.host, target.port)
        assert (theirs.host, theirs.port or 443) == (target.host, target.port)
        assert parts.username is None
        assert theirs.userinfo == b""
        assert target.path == (parts.path or "/") + ("?" + parts.query if "?" in url else "")


class TestSettings:
    def test_loopback_may_be_any_port_and_http(self, developing: Any) -> None:
        for url in ("http://localhost:9/", "http://127.0.0.1:9/", "http://[::1]:9/"):
            target = guard.check(url)
            assert target.is_loopback
            found = asyncio.run(guard.resolve(target, knowing("10.0.0.1")))
            assert all(address.is_loopback for address in found)
            assert found

    def test_loopback_does_not_open_names_that_resolve_to_it(self, developing: Any) -> None:
        developing.EGRESS_PORTS = (443, 9)
        with pytest.raises(UrlNotAllowed):
            resolved("https://good.example:9/", knowing("127.0.0.1"))
        with pytest.raises(UrlNotAllowed):
            guard.check("http://good.example/")

    def test_a_network_of_the_operators(self, settings: Any) -> None:
        settings.EGRESS_ALLOW = (ip_network("10.1.0.0/16"), ip_network("fd00:1::/32"))
        assert resolved("https://10.1.2.3/", knowing()) == [ip_address("10.1.2.3")]
        assert resolved("https://inner.example/", knowing("10.1.2.3", "fd00:1::5"))
        for other in ("10.2.0.1", "::ffff:10.1.2.3", "64:ff9b::a01:203"):
            with pytest.raises(UrlNotAllowed):
                resolved("https://inner.example/", knowing("10.1.2.3", other))

    def test_allowing_a_network_is_logged_once(self, settings: Any, logged: Any) -> None:
        settings.EGRESS_ALLOW = (ip_network("10.77.0.0/16"),)
        for _ in range(3):
            guard.check("https://10.77.2.3/")
        told = [line for line in logged() if line["event"] == "egress.network_allowed"]
        assert [line["network"] for line in told] == ["10.77.0.0/16"]

    def test_ports(self, settings: Any) -> None:
        settings.EGRESS_PORTS = (9443,)
        assert guard.check("https://good.example:9443/").port == 9443
        with pytest.raises(UrlNotAllowed, match="its port must be 9443"):
            guard.check("https://good.example/")
