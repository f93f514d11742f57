"""Few connections to many databases: bounded, alive, and nobody's but this process'."""

import os
from typing import Any

import psycopg
import pytest
from django.db import OperationalError

from apps.isolation.backend import pools
from apps.isolation.databases import aliases
from apps.isolation.models import Database
from tests.core.threads import together
from tests.isolation.databases.second import Second


@pytest.fixture
def pool(own: Database) -> Any:
    """A pool of its own, with plain connections of the deploy role."""
    made = pools.Pool("test")
    dsn = aliases.address_of(own).dsn
    made.connect = lambda: psycopg.connect(dsn, autocommit=True)  # type: ignore[attr-defined]
    yield made
    made.end()


def pid(connection: Any) -> int:
    return int(connection.info.backend_pid)


def test_what_is_given_back_is_used_again(pool: Any) -> None:
    first = pool.take(pool.connect)
    pool.give(first)
    assert pool.idle == 1
    again = pool.take(pool.connect)
    assert pid(again) == pid(first)
    pool.give(again)


def test_there_are_two_and_a_third_caller_is_told(
    pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = [pool.take(pool.connect) for _ in range(2)]
    monkeypatch.setattr(pools, "WAIT_S", 0.05)
    with pytest.raises(OperationalError, match=r"no connection to test became free in 0\.05 s"):
        pool.take(pool.connect)
    assert not pool.is_quiet
    for one in taken:
        pool.give(one)
    assert pool.is_quiet


def test_many_threads_share_two(pool: Any) -> None:
    def work() -> int:
        connection = pool.take(pool.connect)
        try:
            connection.execute("SELECT pg_sleep(0.01)")
            return pid(connection)
        finally:
            pool.give(connection)

    assert len(set(together([work] * 12))) <= 2


def test_one_that_died_is_not_handed_out(pool: Any, other: Second) -> None:
    first = pool.take(pool.connect)
    dead = pid(first)
    pool.give(first)
    with other.superuser() as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [dead])
    again = pool.take(pool.connect)
    assert pid(again) != dead
    pool.give(again)


def test_one_in_the_middle_of_something_is_closed(pool: Any) -> None:
    first = pool.take(pool.connect)
    first.execute("BEGIN")
    pool.give(first)
    assert (pool.idle, first.closed) == (0, True)


def test_a_server_that_is_away_says_so_at_once_and_holds_no_place(pool: Any) -> None:
    def refused() -> Any:
        raise OperationalError("connection refused")

    for _ in range(3):
        with pytest.raises(OperationalError, match="connection refused"):
            pool.take(refused)
    assert pool.is_quiet


def test_idle_ones_are_closed_in_time(pool: Any) -> None:
    first = pool.take(pool.connect)
    pool.give(first)
    pool.drain(before=0)
    assert pool.idle == 1
    pool.drain()
    assert (pool.idle, first.closed) == (0, True)


def test_an_ended_pool_closes_what_comes_back(pool: Any) -> None:
    first = pool.take(pool.connect)
    pool.end()
    pool.give(first)
    assert first.closed


def test_only_the_latest_used_are_kept(settings: Any) -> None:
    for name in pools.held():
        pools.end(name)
    settings.DEDICATED_POOLS = 3
    for name in "abcd":
        pools.of(name)
    pools.of("b")
    pools.of("e")
    assert pools.held() == ["d", "b", "e"]
    for name in pools.held():
        pools.end(name)


def test_one_at_work_is_kept_beyond_the_cap(settings: Any, own: Database) -> None:
    for name in pools.held():
        pools.end(name)
    settings.DEDICATED_POOLS = 1
    dsn = aliases.address_of(own).dsn
    busy = pools.of("busy")
    connection = busy.take(lambda: psycopg.connect(dsn, autocommit=True))
    pools.of("next")
    assert pools.held() == ["busy", "next"]
    busy.give(connection)
    pools.of("last")
    assert pools.held() == ["last"]
    assert connection.closed
    pools.end("last")


def test_a_forked_child_starts_without_its_parents_connections(own: Database) -> None:
    parents = pools.of("parents")
    dsn = aliases.address_of(own).dsn
    connection = parents.take(lambda: psycopg.connect(dsn, autocommit=True))
    parents.give(connection)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, str(len(pools.held())).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert pipe.read() == "0"
    os.waitpid(child, 0)
    assert connection.execute("SELECT 1").fetchone() == (1,)
    pools.end("parents")
