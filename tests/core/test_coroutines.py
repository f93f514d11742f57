"""Code that awaits, run where nothing waits."""

import asyncio

import pytest

from tenlyr.core.coroutines import finish


async def _answer(number: int) -> int:
    return number + 1


async def _chain(number: int) -> int:
    return await _answer(await _answer(number))


def test_the_result() -> None:
    assert finish(_chain(1)) == 3


def test_what_it_raises() -> None:
    async def fails() -> None:
        raise ValueError("so it is")

    with pytest.raises(ValueError, match="so it is"):
        finish(fails())


def test_what_needs_a_loop_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match="event loop"):
        finish(asyncio.sleep(0))
