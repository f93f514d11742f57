"""Looking up names: shared, bounded, and never in anybody's way."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tenlyr.core.egress import naming

Found = list[tuple[Any, ...]]


class Servers:
    """Name servers of the test's own: names that begin with `slow` wait until they are let go."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.go = threading.Event()

    def look_up(self, name: str, *_given: Any, **_named: Any) -> Found:
        """In the place of `socket.getaddrinfo`."""
        self.asked.append(name)
        if name.startswith("slow"):
            self.go.wait(60)
        if name.startswith("none"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        if name.startswith("odd"):
            raise UnicodeError("label too long")
        return [(2, 1, 6, "", ("192.0.2.1", 0)), (2, 1, 6, "", ("192.0.2.1", 0))]


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    """In the place of the system's; nobody is left waiting for them."""
    made = Servers()
    monkeypatch.setattr(socket, "getaddrinfo", made.look_up)
    yield made
    made.go.set()
    settle()


def settle() -> None:
    """Wait for all threads that look something up."""
    for thread in threading.enumerate():
        if thread.name == "look-up":
            thread.join(60)


def test_the_systems_own_answers() -> None:
    assert "127.0.0.1" in asyncio.run(naming.look_up("localhost"))


def test_each_address_once(servers: Servers) -> None:
    assert asyncio.run(naming.look_up("good.example")) == ["192.0.2.1"]


@pytest.mark.parametrize("name", ["none.example", "odd.example"])
def test_a_name_that_has_none(servers: Servers, name: str) -> None:
    with pytest.raises(socket.gaierror):
        asyncio.run(naming.look_up(name))


def test_those_who_ask_together_share_one_lookup(servers: Servers) -> None:
    async def ask() -> list[list[str]]:
        asking = [asyncio.create_task(naming.look_up("slow.example")) for _ in range(20)]
        while not servers.asked:
            await asyncio.sleep(0)
        servers.go.set()
        return await asyncio.gather(*asking)

    assert asyncio.run(ask()) == [["192.0.2.1"]] * 20
    assert servers.asked == ["slow.example"]


def test_who_asks_later_gets_a_new_answer(servers: Servers) -> None:
    for _ in range(2):
        asyncio.run(naming.look_up("good.example"))
        settle()
    assert servers.asked == ["good.example"] * 2


def given_up(name: str) -> None:
    """A caller, with an event loop of its own, that does not wait for the answer."""

    async def ask() -> None:
        async with asyncio.timeout(0.01):
            await naming.look_up(name)

    with pytest.raises(TimeoutError):
        asyncio.run(ask())


def test_a_slow_name_holds_up_nobody_else(servers: Servers) -> None:
    for number in range(10):
        given_up(f"slow{number}.example")
    assert asyncio.run(naming.look_up("good.example")) == ["192.0.2.1"]


def test_who_gave_up_is_not_told_and_nothing_breaks(
    servers: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    given_up("slow.example")
    servers.go.set()
    settle()
    assert caplog.records == []


def test_one_name_never_has_two_threads(servers: Servers) -> None:
    for _ in range(5):
        given_up("slow.example")
    servers.go.set()
    settle()  # a thread that was started may not have asked yet
    assert servers.asked == ["slow.example"]


def test_so_many_at_once_and_no_more(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naming, "MOST_AT_ONCE", 3)
    for number in range(3):
        given_up(f"slow{number}.example")
    with pytest.raises(socket.gaierror, match="too many names"):
        asyncio.run(naming.look_up("good.example"))
    given_up("slow1.example")  # it is being looked up already
    servers.go.set()
    settle()
    assert asyncio.run(naming.look_up("good.example")) == ["192.0.2.1"]


def test_a_thread_that_cannot_be_started_leaves_nothing_behind(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., None] = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError):
        asyncio.run(naming.look_up("good.example"))
    monkeypatch.setattr(threading.Thread, "start", real)
    assert asyncio.run(naming.look_up("good.example")) == ["192.0.2.1"]
