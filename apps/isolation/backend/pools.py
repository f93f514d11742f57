"""Few connections to many databases: at most two each, and idle ones to the latest used only.

No threads stand behind this (a pool of psycopg's has two): there may be many databases, most of
them quiet, and one that is away must say so at once instead of after a time-out.
"""

import atexit
import os
import select
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.utils import OperationalError
from psycopg.pq import TransactionStatus

MOST_EACH = 2
WAIT_S = 5.0
IDLE_S = 60.0

_lock = threading.Lock()
_pools: "OrderedDict[str, Pool]" = OrderedDict()
_inherited: list[Any] = []


class Pool:
    """The connections of this process to one database in one role."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._slots = threading.BoundedSemaphore(MOST_EACH)
        self._idle: list[tuple[Any, float]] = []
        self._taken = 0
        self._is_kept = True

    @property
    def is_quiet(self) -> bool:
        """Whether nobody holds one of its connections or waits for one."""
        return self._taken == 0

    @property
    def idle(self) -> int:
        """How many connections wait for work."""
        return len(self._idle)

    def take(self, connect: Callable[[], Any]) -> Any:
        """A connection that lives: an idle one, else a new one made by `connect` here and now.

        Raises what `connect` raises, and `OperationalError` when all stay taken for `WAIT_S`.
        """
        with _lock:
            self._taken += 1
        is_ours = self._slots.acquire(timeout=WAIT_S)
        try:
            if not is_ours:
                raise OperationalError(f"no connection to {self.name} became free in {WAIT_S:g} s")
            return self._living() or connect()
        except BaseException:
            with _lock:
                self._taken -= 1
            if is_ours:
                self._slots.release()
            raise

    def give(self, connection: Any) -> None:
        """Take a connection back; one in the middle of something is closed."""
        is_clean = _status(connection) == TransactionStatus.IDLE
        with _lock:
            self._taken -= 1
            is_kept = is_clean and self._is_kept
            if is_kept:
                self._idle.append((connection, time.monotonic()))
        if not is_kept:
            connection.close()
        self._slots.release()

    def drain(self, *, before: float = float("inf")) -> None:
        """Close what has been idle since `before` or longer."""
        with _lock:
            old = [one for one, since in self._idle if since < before]
            self._idle = [item for item in self._idle if item[1] >= before]
        for connection in old:
            connection.close()

    def end(self) -> None:
        """Close what is idle now, and what is taken when it comes back."""
        self._is_kept = False
        self.drain()

    def _living(self) -> Any:
        while True:
            with _lock:
                if not self._idle:
                    return None
                connection, _ = self._idle.pop()
            if _is_alive(connection):
                return connection
            connection.close()


def of(alias: str) -> Pool:
    """The pool of an alias; the one that was unused for longest makes room for it."""
    with _lock:
        pool = _pools.get(alias)
        if pool is None:
            pool = _pools[alias] = Pool(alias)
        _pools.move_to_end(alias)
        surplus = _surplus()
        others = list(_pools.values())
    for one in surplus:
        one.end()
    oldest = time.monotonic() - IDLE_S
    for one in others:
        one.drain(before=oldest)
    return pool


def held() -> list[str]:
    """The aliases that have a pool now."""
    with _lock:
        return list(_pools)


def end(alias: str) -> None:
    """Close the alias' pool: its database is to go away."""
    with _lock:
        pool = _pools.pop(alias, None)
    if pool is not None:
        pool.end()


@atexit.register
def _end_all() -> None:
    for alias in held():
        end(alias)


def _surplus() -> list[Pool]:
    """Take the longest unused out of the register, but none that is at work (nor the newest)."""
    excess = len(_pools) - settings.DEDICATED_POOLS
    quiet = [alias for alias, pool in list(_pools.items())[:-1] if pool.is_quiet]
    return [_pools.pop(alias) for alias in quiet[: max(excess, 0)]]


def _status(connection: Any) -> Any:
    return connection.pgconn.transaction_status


def _is_alive(connection: Any) -> bool:
    """An idle server says nothing: what is there to read is its farewell."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN | select.POLLHUP | select.POLLERR)
    return not poll.poll(0)


def _forget() -> None:
    """In a forked child: the connections are the parent's. Kept, or their end would say goodbye
    on the parent's line.
    """
    global _lock
    _lock = threading.Lock()
    _inherited.append(dict(_pools))
    _pools.clear()


os.register_at_fork(after_in_child=_forget)
