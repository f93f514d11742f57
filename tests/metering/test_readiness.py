"""What `/readyz` says of metering (X21)."""

from datetime import timedelta

import pytest
import time_machine

from apps.metering import readiness, stream
from tenlyr.core import clock, redis
from tests.cast import Api
from tests.metering.support import admit, nobody, store


@pytest.fixture(autouse=True)
def _open() -> None:
    """Every shard is ready, and nothing waits from before."""
    store()


def test_ready_with_nothing_behind() -> None:
    assert readiness.check() == {"shards": redis.SHARDS, "oldestUnstoredMs": 0}
    assert Api().get("/readyz").body["parts"]["metering"]["status"] == "ok"


def test_how_far_postgres_is_behind() -> None:
    admit(nobody())
    assert 0 <= readiness.check()["oldestUnstoredMs"] < 60_000
    # It waits, rather than that an old entry is made: a stream takes none older than its newest.
    with time_machine.travel(clock.now() + timedelta(minutes=20), tick=False):
        assert 1_200_000 <= readiness.check()["oldestUnstoredMs"] < 1_260_000


def test_not_ready_while_a_shard_waits_for_its_counters() -> None:
    stream.distrust([7])
    with pytest.raises(RuntimeError, match="1 of 64"):
        readiness.check()
    answer = Api().get("/readyz")
    assert (answer.status, answer.body["status"]) == (503, "not ready")
    assert answer.body["parts"]["metering"]["status"] == "failed"
