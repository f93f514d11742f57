"""Runs jobs in a fixed number of threads, taking each job only when a thread is free for it."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

Job = TypeVar("Job")


def run_all(
    jobs: Iterable[Job], work: Callable[[Job], None], *, threads: int, stop: threading.Event
) -> None:
    """Do ``work`` on every job. The first exception, or Ctrl-C, sets ``stop`` and is raised."""
    remaining = iter(jobs)
    lock = threading.Lock()

    def take_all() -> Iterator[Job]:
        while not stop.is_set():
            with lock:
                job = next(remaining, stop)
            if isinstance(job, threading.Event):
                return
            yield job

    def drain() -> None:
        for job in take_all():
            work(job)

    with ThreadPoolExecutor(threads) as pool:
        try:
            futures = [pool.submit(drain) for _ in range(threads)]
            for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                future.result()
        except BaseException:
            stop.set()
            raise
