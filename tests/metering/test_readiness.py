"""What `/readyz` says of metering (X21)."""

import pytest

from apps.metering import readiness, stream
from tenlyr.core import redis
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
    redis.client().xadd(redis.stream(3), {"x": "1"}, id="1000-0")
    try:
        assert readiness.check()["oldestUnstoredMs"] > 1_000_000
    finally:
        redis.client().delete(redis.stream(3))
    admit(nobody())
    assert 0 <= readiness.check()["oldestUnstoredMs"] < 60_000


def test_not_ready_while_a_shard_waits_for_its_counters() -> None:
    stream.distrust([7])
    with pytest.raises(RuntimeError, match="1 of 64"):
        readiness.check()
    answer = Api().get("/readyz")
    assert (answer.status, answer.body["status"]) == (503, "not ready")
    assert answer.body["parts"]["metering"]["status"] == "failed"
