"""A Redis that lost its data: nothing is admitted until its counters are rebuilt (X21, R14)."""

from datetime import timedelta
from uuid import UUID

import pytest

from apps.isolation.public import Level
from apps.metering import counters, periods, stream
from tenlyr.core import clock, redis
from tenlyr.core.metrics import Metric
from tests import cast
from tests.cast import Account, Api, Customer
from tests.core import outages
from tests.metering.stored import TRACK, consume, track, used
from tests.metering.test_moving import move


@pytest.fixture(autouse=True)
def _open() -> None:
    """Tracking is open, and nothing waits from before."""
    consume()


def lose(tenant_id: UUID) -> None:
    """Take from Redis all that it holds of the tenant's shard."""
    shard = redis.shard_of(tenant_id)
    for key in redis.client().scan_iter(match=f"*{{{shard}}}*"):
        redis.client().delete(key)


def test_tracking_waits_until_the_counters_are_there_again(acme: Customer) -> None:
    for _ in range(3):
        track(acme)
    consume()
    lose(acme.id)
    refused = Api().post(TRACK, {"metric": "api_call", "value": 1}, key=acme.key)
    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    consume()
    assert used(acme) == 3
    track(acme)
    assert used(acme) == 4


def test_while_they_are_away_totals_come_from_postgres(acme: Customer) -> None:
    track(acme, value=5)
    consume()
    lose(acme.id)
    assert used(acme) == 5


def test_without_redis_totals_come_from_postgres(acme: Customer, globex: Customer) -> None:
    track(acme, value=5)
    track(globex, metric="seats", value=7)
    consume()
    with outages.redis_away():
        totals = counters.totals([acme.id, globex.id])
    assert totals[acme.id][Metric.API_CALL] == 5
    assert totals[globex.id][Metric.SEATS] == 7


def test_a_limit_holds_after_it(workspace: Account) -> None:
    tenant = cast.tenant(workspace, plan="starter")
    track(tenant, value=999)
    consume()
    lose(tenant.id)
    consume()
    track(tenant)
    over = Api().post(TRACK, {"metric": "api_call", "value": 1}, key=tenant.key)
    assert (over.status, over.body["code"], over.body["current"]) == (
        400,
        "plan_limit_exceeded",
        1000,
    )


def test_gauges_and_the_month_before_come_back(acme: Customer) -> None:
    earlier = periods.of(clock.now()).start - timedelta(hours=1)
    is_accepted = clock.now() - earlier < timedelta(days=35)
    assert is_accepted, "the month before is always within 35 days of its end"
    track(acme, metric="storage_gb", value=2.5, mode="set", timestamp=clock.iso(earlier))
    track(acme, metric="storage_gb", value=1.25)
    track(acme, value=11, timestamp=clock.iso(earlier))
    track(acme, value=2)
    consume()
    names = [
        redis.usage(redis.shard_of(acme.id), acme.id, metric, period)
        for metric, period in (
            ("storage_gb", periods.LEVEL),
            ("api_call", periods.of(earlier).name),
            ("api_call", periods.of(clock.now()).name),
        )
    ]
    before = redis.client().mget(names)
    lose(acme.id)
    consume()
    assert redis.client().mget(names) == before == [b"3750000", b"11", b"2"]


def test_counters_that_nobody_can_account_for_go(acme: Customer) -> None:
    track(acme)
    consume()
    shard = redis.shard_of(acme.id)
    stale = redis.usage(shard, acme.id, "compute", periods.of(clock.now()).name)
    redis.client().set(stale, 99)
    stream.distrust([shard])
    consume()
    assert redis.client().get(stale) is None
    assert used(acme) == 1


def test_what_is_unstored_is_stored_before_the_rebuild(acme: Customer) -> None:
    track(acme, value=4)
    stream.distrust([redis.shard_of(acme.id)])
    consume()
    assert used(acme) == 4


def test_a_redis_put_back_to_an_older_day_is_not_believed(acme: Customer) -> None:
    """Its marker is there, but its stream ends before what Postgres has stored."""
    track(acme, value=6)
    consume()
    shard = redis.shard_of(acme.id)
    redis.client().delete(redis.stream(shard))
    name = redis.usage(shard, acme.id, "api_call", periods.of(clock.now()).name)
    redis.client().set(name, 1)
    consume()
    assert used(acme) == 6


def test_rows_that_a_move_left_behind_do_not_count(acme: Customer) -> None:
    """Up and down again: the schema in between keeps its rows for days."""
    track(acme, value=3)
    consume()
    move(acme, Level.DEDICATED_SCHEMA)
    move(acme, Level.SHARED_SCHEMA, is_support=True)
    track(acme, value=4)
    consume()
    lose(acme.id)
    consume()
    assert used(acme) == 7
