"""TLS, and that the address that was judged is the one that is met (T41, T46)."""

import asyncio
import random
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tenlyr.core.egress import connecting, guard, posting
from tenlyr.core.egress.replies import Outcome, Reply
from tenlyr.core.errors import UrlNotAllowed
from tests.core.egress.certificates import DAY, Authority
from tests.core.egress.receivers import Caller, Canary, Receiver, answer, receiver, saying

NAME = "hooks.example.com"
# Two addresses of loopback: to the guard of these tests one is public and one is not.
OUTSIDE, INSIDE = "127.0.0.2", "127.0.0.1"


class Fickle:
    """A name server that changes its mind: the next answer each time, the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, name: str) -> list[str]:
        self.asked += 1
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def post(url: str, body: bytes = b"{}", *, deadline_s: float = 60, **given: Any) -> Reply:
    """One POST, with patience: how long it takes is not what these tests look at."""
    return asyncio.run(posting.post(url, body, {}, deadline_s=deadline_s, **given))


class House:
    """A receiver outside, and a canary inside at the same port."""

    def __init__(self, outside: Receiver, inside: Canary) -> None:
        self.outside, self.inside = outside, inside
        self.url = f"https://{NAME}:{outside.port}/hook"

    def post(self, resolver: Any) -> Reply:
        """One POST to the name."""
        return post(self.url, resolver=resolver)


def build(stack: ExitStack, tls: Any) -> House:
    """Both at one port, whichever is free for both."""
    while True:
        outside = Receiver(answer("200 OK"), host=OUTSIDE, tls=tls)
        try:
            inside = Canary(INSIDE, outside.port)
        except OSError:
            outside.close()
            continue
        stack.callback(outside.close)
        stack.callback(inside.close)
        return House(outside, inside)


@pytest.fixture
def house(settings: Any, authority: Authority) -> Iterator[House]:
    """The house; whatever a test does, nobody came to the canary."""
    with ExitStack() as stack:
        made = build(stack, authority.server(NAME))
        settings.EGRESS_ALLOW = (ip_network(f"{OUTSIDE}/32"),)
        settings.EGRESS_PORTS = (made.outside.port,)
        yield made
        assert made.inside.callers() == 0


class TestRebinding:
    def test_the_name_moves_inside_after_it_was_registered(self, house: House) -> None:
        server = Fickle([OUTSIDE], [INSIDE])
        assert guard.vet(house.url, server).host == NAME
        assert house.post(server).outcome is Outcome.BLOCKED
        assert (server.asked, house.outside.accepted) == (2, 0)

    def test_the_name_moves_inside_between_the_check_and_the_connection(self, house: House) -> None:
        """There is no second question: the address that was judged is the one that is used."""
        server = Fickle([OUTSIDE], [INSIDE])
        assert house.post(server).outcome is Outcome.ACCEPTED
        assert (server.asked, house.outside.accepted) == (1, 1)

    def test_two_records_one_of_them_inside(self, house: House) -> None:
        for found in (
            [OUTSIDE, INSIDE],
            [INSIDE, OUTSIDE],
            [OUTSIDE, "::1"],
            [OUTSIDE, "10.0.0.1"],
        ):
            assert house.post(Fickle(found)).outcome is Outcome.BLOCKED
        assert house.outside.accepted == 0

    def test_an_alias_of_an_inner_name(self, house: House) -> None:
        """However the name got there, what counts is where it leads."""
        assert house.post(Fickle([INSIDE])).outcome is Outcome.BLOCKED

    def test_ipv6_only(self, house: House) -> None:
        for inner in ("::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fd00::1"):
            assert house.post(Fickle([inner])).outcome is Outcome.BLOCKED

    def test_a_name_that_flips_ten_thousand_times(self, house: House) -> None:
        """T41: of 10,000 POSTs to it none comes to the canary."""
        dice = random.Random(41)
        astray = [[INSIDE], [OUTSIDE, INSIDE], [INSIDE, OUTSIDE], ["::1"], ["::ffff:127.0.0.1"], []]

        async def flip() -> None:
            for number in range(10_000):
                found = [OUTSIDE] if number % 20 == 0 else dice.choice(astray)
                server = Fickle(found, dice.choice([[OUTSIDE], [INSIDE]]))
                reply = await posting.post(house.url, b"{}", {}, deadline_s=60, resolver=server)
                wanted = Outcome.ACCEPTED if found == [OUTSIDE] else Outcome.BLOCKED
                assert reply.outcome is (wanted if found else Outcome.UNREACHABLE), found

        asyncio.run(flip())
        assert house.outside.accepted == 500

    def test_a_redirect_to_the_inside(self, house: House) -> None:
        for status in (301, 302, 303, 307, 308):
            to = f"Location: https://{INSIDE}:{house.inside.port}/"
            house.outside.manner = answer(f"{status} There", to)
            assert house.post(Fickle([OUTSIDE])).outcome is Outcome.REDIRECT_REFUSED


class TestPeer:
    def test_another_end_than_the_one_that_was_meant(self) -> None:
        with receiver(answer("200 OK")) as there, socket.socket() as sock:
            sock.connect((INSIDE, there.port))
            assert connecting.is_met(sock, ip_address(INSIDE), there.port)
            assert not connecting.is_met(sock, ip_address(OUTSIDE), there.port)
            assert not connecting.is_met(sock, ip_address(INSIDE), there.port + 1)

    def test_such_a_connection_is_closed_unused(
        self, developing: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connecting, "is_met", lambda *_: False)
        with receiver(answer("200 OK")) as there:
            reply = post(there.url())
        assert reply.outcome is Outcome.BLOCKED
        assert there.requests == []

    def test_several_addresses(self, settings: Any, authority: Authority) -> None:
        """One refuses the connection: the next one is used."""
        settings.EGRESS_ALLOW = (ip_network("127.0.0.0/8"),)
        with receiver(answer("200 OK"), host=OUTSIDE, tls=authority.server(NAME)) as there:
            settings.EGRESS_PORTS = (there.port,)
            url = f"https://{NAME}:{there.port}/"
            for found in (["127.0.0.3", OUTSIDE], ["127.0.0.5", "127.0.0.4", "127.0.0.3", OUTSIDE]):
                reply = post(url, resolver=Fickle(found))
                assert reply.outcome is Outcome.ACCEPTED
            five = ["127.0.0.3"] * 4 + [OUTSIDE]
            reply = post(url, resolver=Fickle(five))
            assert reply.outcome is Outcome.UNREACHABLE


@pytest.mark.usefixtures("developing")
class TestTls:
    def test_a_certificate_of_the_host(self, authority: Authority) -> None:
        for host in ("127.0.0.1", "localhost"):
            with receiver(answer("200 OK", body=b"safe"), tls=authority.server(host)) as there:
                reply = post(there.url(host=host), b"{}" * 50_000)
            assert (reply.outcome, reply.body) == (Outcome.ACCEPTED, b"safe")

    @pytest.mark.parametrize(
        ("given", "why"),
        [
            ({"is_self_signed": True}, "self"),
            ({"lasts": timedelta(0) - DAY}, "expired"),
            ({"host": "other.example"}, "mismatch"),
        ],
        ids=["self-signed", "expired", "another host"],
    )
    def test_a_bad_certificate(self, authority: Authority, given: dict[str, Any], why: str) -> None:
        host = given.pop("host", "127.0.0.1")
        with receiver(answer("200 OK"), tls=authority.server(host, **given)) as there:
            reply = post(there.url())
        assert (reply.outcome, reply.status) == (Outcome.TLS_FAILED, None)
        assert why in reply.reason
        assert there.requests == []

    def test_an_authority_that_nobody_knows(self, tmp_path: Any, authority: Authority) -> None:
        (tmp_path / "other").mkdir()
        other = Authority(tmp_path / "other")
        with receiver(answer("200 OK"), tls=other.server("127.0.0.1")) as there:
            reply = post(there.url())
        assert reply.outcome is Outcome.TLS_FAILED
        assert there.requests == []

    def test_plain_http_where_tls_should_be(self, authority: Authority) -> None:
        with Blurting(saying(b"HTTP/1.1 200 OK\r\n\r\n")) as there:
            reply = post(f"https://127.0.0.1:{there.port}/")
        assert reply.outcome is Outcome.TLS_FAILED

    def test_tls_where_plain_http_should_be(self, authority: Authority) -> None:
        with receiver(answer("200 OK"), tls=authority.server("127.0.0.1")) as there:
            reply = post(f"http://127.0.0.1:{there.port}/")
        assert reply.outcome in {Outcome.BROKEN, Outcome.UNREACHABLE}
        assert there.requests == []

    def test_a_handshake_that_never_ends(self, authority: Authority) -> None:
        with Blurting(Caller.hold) as there:
            reply = post(f"https://127.0.0.1:{there.port}/", deadline_s=0.3)
        assert reply.outcome is Outcome.TIMEOUT

    def test_a_handshake_that_pours(self, authority: Authority) -> None:
        record = b"\x16\x03\x03\x40\x00" + bytes(16_384)
        with Blurting(lambda caller: caller.pour(record)) as there:
            reply = post(f"https://127.0.0.1:{there.port}/")
        assert reply.outcome in {Outcome.TLS_FAILED, Outcome.BROKEN}

    def test_an_end_amid_the_handshake(self, authority: Authority) -> None:
        with Blurting(saying(b"")) as there:
            reply = post(f"https://127.0.0.1:{there.port}/")
        assert reply.outcome in {Outcome.TLS_FAILED, Outcome.UNREACHABLE}

    def test_the_body_is_bounded_over_tls_too(self, authority: Authority) -> None:
        def pour(caller: Caller) -> None:
            caller.say(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2_000)
            caller.pour(b"x" * 16_384)

        with receiver(pour, tls=authority.server("127.0.0.1")) as there:
            reply = post(there.url())
        assert (reply.outcome, reply.body) == (Outcome.ACCEPTED, b"x" * 1_024)

    def test_what_is_older_than_tls_1_2_is_refused(self) -> None:
        assert connecting.context().minimum_version >= ssl.TLSVersion.TLSv1_2


class Blurting(Receiver):
    """It acts without waiting for a request."""

    def __enter__(self) -> "Blurting":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self, caller: Caller) -> None:
        caller.sock.recv(65_536)
        self.manner(caller)


def test_a_url_that_is_refused_asks_no_name_server() -> None:
    server = Fickle(["8.8.8.8"])
    reply = asyncio.run(posting.post("https://good.example:22/", b"", {}, resolver=server))
    assert (reply.outcome, server.asked) == (Outcome.BLOCKED, 0)
    with pytest.raises(UrlNotAllowed):
        guard.vet("https://good.example:22/", server)
    assert server.asked == 0
