"""`manage.py consume` and `manage.py rebuild_counters`, as an operator runs them."""

import io
import os
import signal
import subprocess
import sys

import pytest
from django.core.management import call_command

from apps.metering import stream
from apps.metering.public import drain
from tenlyr import env
from tenlyr.core import redis
from tests.cast import Customer
from tests.metering.support import BOUND_S, admit, assert_agree, caller, rows, store


@pytest.fixture(autouse=True)
def _open() -> None:
    """Every shard is ready, and nothing waits from before."""
    store()


def test_consume_stores_until_it_is_told_to_stop(acme: Customer) -> None:
    command = [sys.executable, "manage.py", "consume"]
    with subprocess.Popen(command, cwd=env.BASE_DIR, env=os.environ.copy()) as process:
        try:
            for number in range(5):
                admit(caller(acme), id=f"event {number}")
            drain(acme.id, BOUND_S)
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(BOUND_S) == 0
    assert len(rows(acme.id)) == 5
    assert_agree(acme.id)
    assert redis.client().zcard(redis.consumers()) == 0


def test_rebuild_counters_has_them_counted_anew(acme: Customer) -> None:
    admit(caller(acme), value=5)
    store()
    name = redis.usage(redis.shard_of(acme.id), acme.id, "seats", "level")
    redis.client().set(name, 99)
    call_command("rebuild_counters", stdout=io.StringIO())
    assert stream.epochs_of(range(redis.SHARDS)) == {}
    store()
    assert len(stream.epochs_of(range(redis.SHARDS))) == redis.SHARDS
    assert redis.client().get(name) is None
    assert_agree(acme.id)
