"""Threads of a test that use the database: together, bounded, and nothing left open behind them."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections

BOUND_S = 60


def closing(run: Callable[..., Any]) -> Callable[..., Any]:
    """`run` for another thread: its connections are closed with it."""

    def inner(*args: Any, **kwargs: Any) -> Any:
        try:
            return run(*args, **kwargs)
        finally:
            connections.close_all()

    return inner


def together(runs: list[Callable[[], Any]]) -> list[Any]:
    """All of `runs` at the same moment, each in a thread of its own; their results in order."""
    start = threading.Barrier(len(runs))

    def held(run: Callable[[], Any]) -> Any:
        start.wait(BOUND_S)
        return run()

    with ThreadPoolExecutor(len(runs)) as pool:
        futures = [pool.submit(closing(held), run) for run in runs]
        return [future.result(BOUND_S) for future in futures]


def until(condition: Callable[[], bool], bound_s: float = BOUND_S) -> float:
    """Ask until it is so, and no longer than the bound; the seconds it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < bound_s, "it did not come about"
        time.sleep(0.005)
    return time.monotonic() - start
