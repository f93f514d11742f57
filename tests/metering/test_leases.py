"""Leases: every shard has one reader, shared out evenly, free again when its owner dies (F7)."""

from collections.abc import Iterator

import pytest

from apps.metering.leases import Leases
from tenlyr.core import redis

ALL = set(range(redis.SHARDS))


@pytest.fixture
def one() -> Iterator[Leases]:
    """A consumer's leases, given back afterwards."""
    made = Leases()
    yield made
    made.leave()


def test_the_only_one_reads_everything(one: Leases) -> None:
    assert one.renew() == (ALL, set())
    assert one.renew() == (set(), set())
    assert one.owned == ALL


def test_leaving_frees_them_at_once(one: Leases) -> None:
    one.renew()
    one.leave()
    second = Leases()
    assert second.renew()[0] == ALL
    second.leave()


def test_one_whose_connection_is_gone_is_dead(one: Leases) -> None:
    """A crash: its leases have seconds to live, but nobody is connected under its name."""
    dead = Leases()
    dead.renew()
    redis.command(b"CLIENT", b"SETNAME", "")
    assert one.renew()[0] == ALL


def test_a_living_one_keeps_its_half(one: Leases) -> None:
    one.renew()
    second = Leases()
    connection = redis.client().connection_pool.make_connection()
    try:
        # The other's sign of life: a connection of its own under its own name.
        connection.connect()
        connection.send_command("CLIENT", "SETNAME", f"consumer-{second.name}")
        connection.read_response()
        redis.client().zadd(redis.consumers(), {second.name: 10**15})
        gained, lost = one.renew()
        assert (gained, len(lost), len(one.owned)) == (set(), 32, 32)
    finally:
        redis.client().zrem(redis.consumers(), second.name)
        connection.disconnect()
    one.renew()
    assert one.owned == ALL
