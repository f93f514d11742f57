"""Metering's part of `/readyz`: counters that can be trusted, and how far Postgres is behind."""

from typing import Any

from apps.metering import stream
from tenlyr.core import redis


def check() -> dict[str, Any]:
    """Facts for the page; raises while a shard's counters are not ready."""
    shards = range(redis.SHARDS)
    waiting = redis.SHARDS - len(stream.epochs_of(shards))
    if waiting:
        raise RuntimeError(f"{waiting} of {redis.SHARDS} shards wait for their counters")
    ages = stream.oldest_ages_ms(shards)
    return {"shards": redis.SHARDS, "oldestUnstoredMs": max(ages.values(), default=0)}
