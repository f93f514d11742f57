"""What several tests of the kernel share. Imports stand inside: this file is read before the
settings.
"""

import logging
import random
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def redis_down() -> Iterator[None]:
    """Redis is away during the test."""
    from tests.core import outages

    with outages.redis_away():
        yield


@pytest.fixture
def address() -> str:
    """An address that nobody used in the last minute."""
    return str(ip_address(random.getrandbits(112) + (0xFD << 120)))


@pytest.fixture
def cold() -> Iterator[None]:
    """This process remembers no caller, before and after the test."""
    from tenlyr.core import auth

    auth.forget_everything()
    yield
    auth.forget_everything()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Move the process's own stop-watch (`time.monotonic`) ahead by some seconds."""
    import time

    real = time.monotonic

    def move(seconds: float) -> None:
        monkeypatch.setattr(time, "monotonic", lambda: real() + seconds)

    return move


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], list[float]]:
    """Stop a module's own stop-watch at a minute's beginning; the test sets it from there on."""
    import time

    def stop(module: ModuleType) -> list[float]:
        now = [60_000.0]
        clock = SimpleNamespace(monotonic=lambda: now[0], time=time.time)
        monkeypatch.setattr(module, "time", clock)
        return now

    return stop


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """The structured log lines of the test so far."""
    caplog.set_level(logging.DEBUG)

    def lines() -> list[dict[str, Any]]:
        return [record.msg for record in caplog.records if isinstance(record.msg, dict)]

    return lines
