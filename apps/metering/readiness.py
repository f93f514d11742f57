"""Metering's part of `/readyz`: counters that can be trusted, and how far Postgres is behind."""

from collections import defaultdict
from typing import Any

from apps.metering import storing, stream
from tenlyr.core import redis


def check() -> dict[str, Any]:
    """Facts for the page; raises while a shard's counters are not ready.

    A tenant's database that is away is a fact, not a failure: all others are served.
    """
    shards = range(redis.SHARDS)
    waits = storing.waits_of(shards)
    unready = set(shards) - stream.epochs_of(shards).keys()
    if unready - waits.keys():
        raise RuntimeError(f"{len(unready)} of {redis.SHARDS} shards wait for their counters")
    ages = stream.oldest_ages_ms(shards)
    facts: dict[str, Any] = {"shards": redis.SHARDS}
    facts["oldestUnstoredMs"] = max(ages.values(), default=0)
    if waits:
        facts["waitingFor"] = _by_place(waits)
    return facts


def _by_place(waits: dict[int, str]) -> dict[str, list[int]]:
    """The shards that wait, by the Location (`database/schema`) that they wait for."""
    found: dict[str, list[int]] = defaultdict(list)
    for shard, place in sorted(waits.items()):
        found[place].append(shard)
    return dict(found)
