"""The event loop's door to Redis: many at once, in order, and none of them waits for ever."""

import asyncio
from collections.abc import Coroutine
from contextlib import closing
from typing import Any

import pytest
import uvloop
from django.conf import settings

from tenlyr.core import pipelining, redis
from tests.core import outages
from tests.core.egress.receivers import Canary


def on_loop(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Its result, on a loop as in a web process."""

    async def run() -> Any:
        try:
            return await coroutine
        finally:
            await outages.hang_up()

    return uvloop.run(run())


@pytest.fixture
def key() -> Any:
    yield "test:pipelining"
    redis.client().delete("test:pipelining")


async def _all(*commands: tuple[Any, ...]) -> list[Any]:
    asked = [pipelining.command(*command) for command in commands]
    return await asyncio.gather(*asked, return_exceptions=True)


def test_each_gets_its_own_answer(key: str) -> None:
    counted = on_loop(_all(*[("INCRBY", key, 1)] * 500))
    assert counted == list(range(1, 501))


def test_what_is_asked_in_one_turn_goes_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[int] = []

    async def run() -> None:
        await pipelining.command("PING")
        wire = pipelining._doors[asyncio.get_running_loop()].wire
        assert wire is not None
        send = wire._send
        monkeypatch.setattr(wire, "_send", lambda: (writes.append(len(wire._unsent)), send()))
        await _all(*[("PING",)] * 50)

    on_loop(run())
    assert writes == [50]


def test_an_error_is_that_of_its_command_alone(key: str) -> None:
    first, second, third = on_loop(_all(("SET", key, "a"), ("INCRBY", key, 1), ("GET", key)))
    assert (first, third) == (b"OK", b"a")
    assert isinstance(second, redis.ResponseError)


def test_an_unknown_script_is_told_apart() -> None:
    (answer,) = on_loop(_all(("EVALSHA", "0" * 40, 0)))
    assert isinstance(answer, redis.NoScriptError)


def test_away_is_told_to_everyone_and_back_is_back() -> None:
    async def run() -> tuple[list[Any], list[Any]]:
        await pipelining.command("PING")
        with outages.redis_away():
            lost = await _all(*[("PING",)] * 5)
        return lost, await _all(("PING",))

    lost, found = on_loop(run())
    assert all(isinstance(error, redis.RedisError) for error in lost)
    assert found == [b"PONG"]


def test_a_server_that_hangs_up_fails_those_who_wait(key: str) -> None:
    async def run() -> list[Any]:
        name = await pipelining.command("CLIENT", "ID")
        waits = asyncio.ensure_future(pipelining.command("BLPOP", key, 5))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(redis.client().client_kill_filter, _id=name)
        told = await asyncio.gather(waits, return_exceptions=True)
        return [*told, await pipelining.command("PING")]

    error, answer = on_loop(run())
    assert isinstance(error, redis.ConnectionError)
    assert answer == b"PONG"


def test_a_server_that_falls_silent_fails_those_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(Canary()) as silent:
        monkeypatch.setattr(settings, "REDIS_URL", f"redis://127.0.0.1:{silent.port}/0")
        monkeypatch.setattr(settings, "REDIS_TIMEOUT_S", 0.2)
        outages._reconnect_redis()
        try:
            answers = on_loop(_all(("PING",), ("PING",)))
        finally:
            monkeypatch.undo()
            outages._reconnect_redis()
        # What they are told says that the time-out ended it, and neither of them asks again.
        assert [type(error) for error in answers] == [redis.TimeoutError] * 2
        assert silent.callers() <= 2


def test_whoever_no_longer_waits_takes_no_answer_from_the_others(key: str) -> None:
    async def run() -> Any:
        await pipelining.command("PING")
        gone = asyncio.ensure_future(pipelining.command("INCRBY", key, 1))
        await asyncio.sleep(0)
        gone.cancel()
        return await pipelining.command("INCRBY", key, 1)

    assert on_loop(run()) == 2
