"""Receivers that misbehave: each is bounded in time and bytes, and told apart (T42, F30).

None of them ever lets go by itself: that a POST returns at all shows that it gave up.
"""

import asyncio
import gzip
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tenlyr.core.egress import connecting, posting
from tenlyr.core.egress.replies import Outcome, Reply
from tests.core.egress.receivers import Caller, Manner, Receiver, answer, receiver, saying

pytestmark = pytest.mark.usefixtures("developing")
SOON_S = 0.3
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
BOMB = gzip.compress(bytes(10_000_000))


def post(there: Receiver, deadline_s: float = 60.0) -> Reply:
    """One POST; 90 s would be a POST that does not return."""

    async def bounded() -> Reply:
        async with asyncio.timeout(90):
            return await posting.post(there.url(), b"{}", {}, deadline_s=deadline_s)

    return asyncio.run(bounded())


def black_hole(caller: Caller) -> None:
    """It hears the request, and never answers."""
    caller.hold()


def drip_head(caller: Caller) -> None:
    """A head that comes byte by byte, and never ends."""
    caller.say(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not caller.over.is_set():
        caller.drip(b"a")


def drip_status(caller: Caller) -> None:
    """Not even the first line is ever complete."""
    caller.say(b"HTTP/1.1 200 ")
    while not caller.over.is_set():
        caller.drip(b"a")


def tell_to_wait(caller: Caller) -> None:
    """One interim status, and nothing more."""
    caller.say(INTERIM)
    caller.hold()


@pytest.mark.parametrize("manner", [black_hole, drip_head, drip_status, tell_to_wait])
def test_no_status_by_the_deadline_is_a_time_out(manner: Manner) -> None:
    with receiver(manner) as there:
        reply = post(there, SOON_S)
    assert (reply.outcome, reply.status, reply.body) == (Outcome.TIMEOUT, None, b"")
    assert reply.reason.startswith("No answer in time: ")
    assert reply.reason.endswith(" s to connect, 0.3 s in all.")


def test_one_that_does_not_listen_to_the_end_is_a_time_out() -> None:
    """It reads no byte: a large body fills the buffers between us and stays there."""
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    with listening:
        reply = posting.post_now(url, bytes(30_000_000), {}, deadline_s=SOON_S)
    assert reply.outcome is Outcome.TIMEOUT


def endless_head(caller: Caller) -> None:
    """A thousand bytes of header after the other."""
    caller.say(b"HTTP/1.1 200 OK\r\n")
    caller.pour(b"X-Filler: " + b"a" * 1_000 + b"\r\n")


def endless_interim(caller: Caller) -> None:
    """Always "continue", never an answer."""
    caller.pour(INTERIM)


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        (endless_head, "not HTTP/1.1"),
        (saying(HEAD + b"X-Big: " + b"a" * 1_000_000 + b"\r\n\r\n"), "not HTTP/1.1"),
        (saying(HEAD + b"X: y\r\n" * 200_000 + b"\r\n"), "not HTTP/1.1"),
        (saying(b"HTTP/1.1 " + b"2" * 1_000_000), "not HTTP/1.1"),
        (endless_interim, "too long"),
        (saying(INTERIM * 300 + b"HTTP/1.1 204 No Content\r\n\r\n"), "too long"),
        (saying(b"<html>HTTP/0.9 has no status</html>"), "not HTTP/1.1"),
        (saying(b"hello\r\n\r\n"), "not HTTP/1.1"),
        (saying(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "not HTTP/1.1"),
        (saying(b"220 mail.example ESMTP\r\n\r\n"), "not HTTP/1.1"),
        (saying(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" * 9 + b"\r\n\r\n"), "not HTTP/1.1"),
        (saying(b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n"), "not HTTP/1.1"),
        (saying(b"HTTP/2 200\r\n\r\n"), "not HTTP/1.1"),
        (saying(b"HTTP/1.1 20 OK\r\n\r\n"), "not HTTP/1.1"),
        (saying(b"HTTP/1.1 2000 OK\r\n\r\n"), "not HTTP/1.1"),
        (saying(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"), "not HTTP/1.1"),
        (saying(HEAD), "not HTTP/1.1"),
        (saying(HEAD + b"X\x00Y: z\r\n\r\n"), "not HTTP/1.1"),
        (saying(HEAD + b"Content-Length: -5\r\n\r\nhello"), "not HTTP/1.1"),
        (saying(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "not HTTP/1.1"),
        (saying(HEAD + b"Transfer-Encoding: gzip\r\n\r\n"), "not HTTP/1.1"),
    ],
    ids=[
        "endless head",
        "a header of 1 MB",
        "200,000 headers",
        "a status of 1 MB",
        "endless interim statuses",
        "an answer after 300 interim statuses",
        "HTTP/0.9",
        "a word",
        "SSH",
        "SMTP",
        "HTTP/2 frames",
        "a TLS alert",
        "HTTP/2 in words",
        "a status of two digits",
        "a status of four digits",
        "an upgrade nobody asked for",
        "half a head",
        "NUL in a header",
        "a negative length",
        "two lengths",
        "a transfer encoding nobody knows",
    ],
)
def test_what_is_not_an_answer_is_broken(manner: Manner, reason: str) -> None:
    with receiver(manner) as there:
        reply = post(there)
    assert (reply.outcome, reply.status) == (Outcome.BROKEN, None)
    assert reason in reply.reason


class TestAfterTheStatus:
    """The status was said in time: what follows changes nothing, and is bounded all the same."""

    @pytest.fixture(autouse=True)
    def _soon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(posting, "REST_S", SOON_S)

    def test_an_endless_body(self) -> None:
        def pour(caller: Caller) -> None:
            caller.say(HEAD + b"\r\n" + b"x" * 2_000)
            caller.pour(b"x" * 65_536)

        with receiver(pour) as there:
            reply = post(there)
        assert (reply.outcome, reply.body) == (Outcome.ACCEPTED, b"x" * 1_024)

    def test_an_endless_body_in_pieces_of_a_byte(self) -> None:
        def pour(caller: Caller) -> None:
            pieces = b"1\r\nx\r\n" * 1_000
            caller.say(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + pieces)
            caller.pour(pieces)

        with receiver(pour) as there:
            reply = post(there)
        assert reply.outcome is Outcome.ACCEPTED
        assert set(reply.body) == set(b"x")

    def test_a_body_byte_by_byte(self) -> None:
        def drip(caller: Caller) -> None:
            caller.say(b"HTTP/1.1 500 Oh\r\n\r\nwhy")
            while not caller.over.is_set():
                caller.drip(b".")

        with receiver(drip) as there:
            reply = post(there)
        assert (reply.outcome, reply.status) == (Outcome.REFUSED, 500)
        assert reply.body.startswith(b"why")

    def test_a_length_that_is_never_reached(self) -> None:
        def promise(caller: Caller) -> None:
            caller.say(HEAD + b"Content-Length: 1000000000000\r\n\r\nhello")
            caller.hold()

        with receiver(promise) as there:
            reply = post(there)
        assert (reply.outcome, reply.body) == (Outcome.ACCEPTED, b"hello")

    def test_a_connection_that_is_kept_open(self) -> None:
        def keep(caller: Caller) -> None:
            answer("200 OK", "Connection: keep-alive", body=b"hello")(caller)
            caller.hold()

        with receiver(keep) as there:
            assert post(there).body == b"hello"

    def test_a_bomb_stays_packed(self) -> None:
        with receiver(answer("200 OK", "Content-Encoding: gzip", body=BOMB)) as there:
            reply = post(there)
        assert (reply.outcome, reply.body) == (Outcome.ACCEPTED, BOMB[:1_024])

    @pytest.mark.parametrize("rest", [b"5\r\nhel", b"nonsense\r\n", b"FFFFFFFFFFFFFFFFFFFFF\r\n"])
    def test_pieces_that_are_none(self, rest: bytes) -> None:
        with receiver(saying(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + rest)) as there:
            assert post(there).outcome is Outcome.ACCEPTED

    def test_a_cut(self) -> None:
        def cut(caller: Caller) -> None:
            caller.say(b"HTTP/1.1 503 Away\r\nContent-Length: 9\r\n\r\nhello")
            caller.reset()

        with receiver(cut) as there:
            # When the cut overtakes the answer, there is no status: both are true.
            assert post(there).outcome in {Outcome.REFUSED, Outcome.UNREACHABLE}


class TestCut:
    def test_a_reset_before_any_answer(self) -> None:
        with receiver(Caller.reset) as there:
            reply = post(there)
        assert (reply.outcome, reply.status) == (Outcome.UNREACHABLE, None)
        assert reply.reason == "The receiver cannot be reached: connection reset by peer."

    def test_an_end_without_a_word(self) -> None:
        with receiver(saying(b"")) as there:
            assert post(there).outcome is Outcome.UNREACHABLE

    def test_an_answer_before_the_request_is_heard_counts(self) -> None:
        there = Early(answer("413 Too Large"))
        reply = post(there)
        there.close()
        assert (reply.outcome, reply.status) == (Outcome.REFUSED, 413)


class Early(Receiver):
    """It answers without hearing the request."""

    def _serve(self, caller: Caller) -> None:
        self.manner(caller)
        caller.heard()


class TestConnecting:
    @pytest.fixture
    def full(self) -> Iterator[int]:
        """The port of a server that answers no SYN: its queue of connections is full."""
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            listening.listen(0)
            waiting = [socket.socket() for _ in range(4)]
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(listening.getsockname())
            yield listening.getsockname()[1]
            for one in waiting:
                one.close()

    def test_a_connection_that_does_not_come_about(
        self, full: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connecting, "CONNECT_S", SOON_S)
        reply = posting.post_now(f"http://127.0.0.1:{full}/", b"{}", {})
        assert reply.outcome is Outcome.TIMEOUT

    def test_a_name_server_that_is_silent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def silent(name: str) -> list[str]:
            await asyncio.Event().wait()
            return []

        monkeypatch.setattr(connecting, "CONNECT_S", SOON_S)
        reply = asyncio.run(posting.post("https://good.example/", b"{}", {}, resolver=silent))
        assert reply.outcome is Outcome.TIMEOUT


class TestBound:
    @pytest.fixture
    def sockets(self, monkeypatch: pytest.MonkeyPatch) -> list[socket.socket]:
        """Every socket that is made during the test."""
        made: list[socket.socket] = []

        class Remembered(socket.socket):
            def __init__(self, *given: Any, **named: Any) -> None:
                super().__init__(*given, **named)
                made.append(self)

        monkeypatch.setattr(socket, "socket", Remembered)
        return made

    def test_64_kb_are_read_at_most(self) -> None:
        def pour(caller: Caller) -> None:
            caller.pour(b"x" * 65_536)

        async def read(port: int) -> int:
            sock = socket.socket()
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
            wire = connecting.Wire(sock)
            await wire.send(b"POST / HTTP/1.1\r\n\r\n")
            count = 0
            try:
                while True:
                    count += len(await wire.receive())
            except connecting.TooMuch:
                return count
            finally:
                wire.close()

        with receiver(pour) as there:
            assert 0 < asyncio.run(read(there.port)) <= 65_536

    def test_no_socket_stays_open(self, sockets: list[socket.socket]) -> None:
        manners: list[Manner] = [answer("200 OK"), black_hole, saying(b"no"), Caller.reset]
        for manner in manners:
            with receiver(manner) as there:
                post(there, SOON_S)
        assert [one for one in sockets if one.fileno() != -1] == []

    def test_who_stops_waiting_leaves_nothing_open(self, sockets: list[socket.socket]) -> None:
        async def stop(there: Receiver) -> None:
            task = asyncio.create_task(posting.post(there.url(), b"{}", {}))
            while not there.requests:
                await asyncio.sleep(0.001)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        with receiver(black_hole) as there:
            asyncio.run(stop(there))
        assert [one for one in sockets if one.fileno() != -1] == []

    def test_one_that_is_silent_does_not_hold_up_the_others(self) -> None:
        """Twelve that never answer, on the same loop, with an hour to do so."""

        async def together(silent: Receiver, good: Receiver) -> list[Any]:
            waiting = [
                asyncio.create_task(posting.post(silent.url(), b"{}", {}, deadline_s=3_600))
                for _ in range(12)
            ]
            while len(silent.requests) < 12:
                await asyncio.sleep(0.001)
            answers = [await posting.post(good.url(), b"{}", {}, deadline_s=60) for _ in range(20)]
            assert not any(one.done() for one in waiting)
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            return answers

        with receiver(black_hole) as silent, receiver(answer("200 OK")) as good:
            answers = asyncio.run(together(silent, good))
        assert [one.outcome for one in answers] == [Outcome.ACCEPTED] * 20
