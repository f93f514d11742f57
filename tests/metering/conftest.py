"""Tracking that is open: partitions exist, the counters of every shard are trusted."""

from collections.abc import Callable

import pytest

from apps.metering.public import Consumer, ensure_partitions


def store() -> None:
    """Store all that is admitted, and leave the shards to whoever comes next."""
    consumer = Consumer()
    try:
        consumer.drain()
    finally:
        consumer.leases.leave()


@pytest.fixture
def stored() -> Callable[[], None]:
    """Call it after tracking; it is called once before, so that tracking is open at all."""
    ensure_partitions()
    store()
    return store
