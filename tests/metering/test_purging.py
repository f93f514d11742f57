"""The end of a tenant's usage: everything of it, and nothing of anybody else's (R17, A14)."""

import pytest

from apps.metering import holding, purging
from apps.metering.public import NotDrained
from tenlyr.core import redis, registry
from tests.cast import Customer
from tests.metering.stored import consume, events, sums, track, used


@pytest.fixture(autouse=True)
def _open() -> None:
    """Tracking is open, and nothing waits from before."""
    consume()


def counters(tenant: Customer) -> list[bytes]:
    """The tenant's counters in Redis."""
    return list(redis.client().scan_iter(match=f"usage:*:{tenant.id}:*", count=10_000))


@pytest.mark.parametrize("level", ["acme", "globex"])
def test_rows_rollups_and_counters_go(level: str, request: pytest.FixtureRequest) -> None:
    tenant: Customer = request.getfixturevalue(level)
    other: Customer = request.getfixturevalue("stranger")
    for one in (tenant, other):
        track(one, value=2)
        track(one, metric="seats", value=3)
    consume()
    # Two events, two minutes, and an hour, a day and a month of each metric.
    assert purging.purge(tenant.id) == 2 + 2 + 6
    assert events(tenant) == []
    assert {count for count, _, _ in sums(tenant).values()} == {0}
    assert counters(tenant) == []
    assert purging.purge(tenant.id) == 0
    assert (len(events(other)), used(other), used(other, "seats")) == (2, 2, 3)


def test_what_is_not_stored_yet_is_waited_for(acme: Customer) -> None:
    track(acme)
    with pytest.raises(NotDrained):
        purging.drain(acme.id, timeout_s=0)
    consume()
    purging.drain(acme.id, timeout_s=0)


def test_no_consumer_writes_behind_it(acme: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for the lock of the shard, and says so when it does not get it."""
    track(acme)
    consume()
    monkeypatch.setattr(purging, "DRAIN_S", 0.1)
    with holding.held(acme.id, wait_s=1), pytest.raises(NotDrained, match="others hold the lock"):
        purging.purge(acme.id)
    assert len(events(acme)) == 1
    monkeypatch.undo()
    assert purging.purge(acme.id) == 1 + 1 + 3


def test_the_registry_knows_of_it() -> None:
    (holding,) = [one for one in registry.holdings() if one.name == "usage"]
    assert set(holding.tables) >= {"usage_event", "usage_minute", "usage_rollup"}
    assert holding.export is not None


def test_the_export_is_every_event_in_order(acme: Customer) -> None:
    told = [track(acme, endpoint=f"/{number}")["id"] for number in range(5)]
    consume()
    (holding,) = [one for one in registry.holdings() if one.name == "usage"]
    assert holding.export is not None
    assert {row["id"] for row in holding.export(acme.id) if "id" in row} == set(told)
