"""Ports: free, found, kept."""

import errno
import itertools
import secrets
import socket
from pathlib import Path

import pytest

from tenlyr.runtime import checks, ports
from tenlyr.runtime.errors import StartFailed


@pytest.fixture
def taken() -> int:
    """A port that is listened on, even with SO_REUSEPORT, for as long as the test runs."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((ports.HOST, 0))
    listener.listen()
    _held.append(listener)
    return int(listener.getsockname()[1])


_held: list[socket.socket] = []


@pytest.fixture(autouse=True)
def _release() -> object:
    yield
    while _held:
        _held.pop().close()


def test_a_port_shared_with_reuseport_counts_as_taken(taken: int) -> None:
    error = ports.bind_error(taken)
    assert error is not None
    assert error.errno == errno.EADDRINUSE
    assert not ports.is_free(taken)


def test_a_found_port_is_free_and_below_the_ephemeral_range() -> None:
    port = ports.any_free()
    assert ports.is_free(port)
    assert ports.LOWEST <= port <= ports.HIGHEST


def test_a_port_is_kept_from_one_start_to_the_next(tmp_path: Path) -> None:
    first = ports.kept(tmp_path / "port")
    assert ports.kept(tmp_path / "port") == first


def test_a_kept_port_that_someone_took_is_given_up(tmp_path: Path, taken: int) -> None:
    (tmp_path / "port").write_text(f"{taken}\n")
    other = ports.kept(tmp_path / "port")
    assert other != taken
    assert (tmp_path / "port").read_text() == f"{other}\n"


def test_the_web_port_in_use_is_named_in_one_sentence(taken: int) -> None:
    with pytest.raises(StartFailed, match=rf"^Port {taken} is in use: .*PORT\.$"):
        checks.port(taken)


@pytest.fixture
def two_left(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Of all ports only these two are left."""
    left = {ports.any_free(), ports.any_free()}
    monkeypatch.setattr(ports, "_given", set())
    draw = itertools.cycle([min(left), min(left), max(left)])
    monkeypatch.setattr(secrets, "randbelow", lambda _: next(draw) - ports.LOWEST)
    return left


def test_no_port_is_given_twice(two_left: set[int]) -> None:
    assert {ports.any_free(), ports.any_free()} == two_left


def test_the_port_of_the_web_is_given_to_nobody(
    two_left: set[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is free until all else runs."""
    monkeypatch.setenv("PORT", str(min(two_left)))
    (tmp_path / "port").write_text(f"{min(two_left)}\n")
    assert ports.kept(tmp_path / "port") == max(two_left)
