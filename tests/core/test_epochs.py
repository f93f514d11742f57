"""Which generation is current, and how every process learns of it (X6, X46)."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import time_machine
from django.conf import settings
from django.db import connection, transaction

from tenlyr.core import epochs, redis
from tests.core import outages
from tests.core.threads import until
from tests.core.transactions import undone

# Another process: it watches, and answers each subject on its input with "current" or "stale".
# "read badly" lets its next reads fail for a reason nobody thought of, "read well" no more;
# "look count" asks how often it began to look, "pause longest" for the longest pause between two.
WATCHER = """
import sys, time
from types import SimpleNamespace
from uuid import UUID
import django
django.setup()
from tenlyr.core import epochs
looks, pauses = [], []
def look(last_success):
    looks.append(1)
    return looked(last_success)
def sleep(seconds):
    pauses.append(seconds)
    time.sleep(seconds)
looked, epochs._look = epochs._look, look
epochs.time = SimpleNamespace(monotonic=time.monotonic, time_ns=time.time_ns, sleep=sleep)
epochs.watch()
print("watching", flush=True)
reads = {"well": epochs.read_raised, "badly": lambda seconds: {}["nobody thought of this"]}
for line in sys.stdin:
    subject, epoch = line.split()
    if subject == "read":
        epochs.read_raised = reads[epoch]
    elif subject == "look":
        print(len(looks), flush=True)
    elif subject == "pause":
        print(max(pauses), flush=True)
    else:
        print("current" if epochs.is_current(UUID(subject), int(epoch)) else "stale", flush=True)
"""
# From one look to the next, with as much again for what a look itself takes.
WITHIN_S = 1.0
BOUND_S = 60.0


class Watcher:
    """A process that watches the epochs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def believes(self, subject: UUID, epoch: int) -> bool:
        self._say(f"{subject} {epoch}")
        return self._line() == "current"

    @property
    def looks(self) -> int:
        """How often it began to look."""
        self._say("look count")
        return int(self._line())

    @property
    def longest_pause_s(self) -> float:
        """From the end of a look to the next one."""
        self._say("pause longest")
        return float(self._line())

    def look_anew(self) -> None:
        """Wait for the end of a look that begins after this was called."""
        begun = self.looks
        until(lambda: self.looks >= begun + 2, BOUND_S)

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def reads(self, how: str) -> None:
        """From now on "well" or "badly"."""
        self._say(f"read {how}")

    def until(self, subject: UUID, epoch: int, *, believed: bool) -> None:
        """Ask until it is so."""
        until(lambda: self.believes(subject, epoch) is believed, BOUND_S)


@contextmanager
def watcher(**environment: str) -> Iterator[Watcher]:
    """Start the process, and end it."""
    process = subprocess.Popen(
        [sys.executable, "-c", WATCHER],
        env={**os.environ, "TENLYR_LOG_LEVEL": "CRITICAL", **environment},
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        started = Watcher(process)
        assert started._line() == "watching"
        yield started
        process.send_signal(signal.SIGKILL)


def raised(subject: UUID) -> int:
    """Raise a subject's epoch, committed, without this process taking note."""
    with transaction.atomic():
        epoch = epochs.raise_epoch(subject)
    epochs._raised.pop(subject, None)
    return epoch


class TestHere:
    def test_the_first_is_one_and_each_is_higher(self) -> None:
        subject = uuid4()
        assert [raised(subject) for _ in range(3)] == [1, 2, 3]

    def test_known_at_the_commit_and_not_before(self) -> None:
        subject = uuid4()
        with transaction.atomic():
            assert epochs.raise_epoch(subject) == 1
            assert epochs.is_current(subject, 0)
        assert not epochs.is_current(subject, 0)
        assert epochs.is_current(subject, 1)

    def test_rolled_back_it_never_was(self) -> None:
        subject = uuid4()
        with undone():
            epochs.raise_epoch(subject)
        epochs.read_raised(60)
        assert epochs.is_current(subject, 0)

    def test_a_lower_one_changes_nothing(self) -> None:
        subject = uuid4()
        epochs.learn({subject: 5})
        epochs.learn({subject: 4})
        assert not epochs.is_current(subject, 4)
        assert epochs.is_current(subject, 5)
        assert epochs.is_current(subject, 6)

    def test_reading_looks_as_far_back_as_asked(self) -> None:
        recent, old = uuid4(), uuid4()
        for subject in (recent, old):
            raised(subject)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE core_authepoch SET changed_at = now() - interval '90 s' WHERE subject = %s",
                [old],
            )
        epochs.read_raised(60)
        assert not epochs.is_current(recent, 0)
        assert epochs.is_current(old, 0)
        epochs.read_raised(120)
        assert not epochs.is_current(old, 0)

    def test_nothing_cached_outlives_what_a_new_process_reads(self) -> None:
        from tenlyr.core import auth

        assert epochs.FIRST_LOOK_S > auth.REDIS_TTL_S + auth.LOCAL_TTL_S + epochs.OVERLAP_S


class TestAnotherProcess:
    def test_learns_within_a_second_of_the_commit(self) -> None:
        """Whatever is committed, the next look learns: the pause before it is the time it takes.

        How long a look takes on a crowded machine is no question of this test.
        """
        subject = uuid4()
        with watcher() as other:
            other.until(subject, 0, believed=True)
            for _ in range(5):
                epoch = raised(subject)
                other.look_anew()
                assert not other.believes(subject, epoch - 1)
                assert other.believes(subject, epoch)
            assert 2 * other.longest_pause_s < WITHIN_S

    def test_learns_it_with_redis_away(self) -> None:
        subject = uuid4()
        away = f"redis://127.0.0.1:{outages.dead_port()}/0"
        with watcher(REDIS_URL=away) as other:
            other.until(subject, 0, believed=True)
            raised(subject)
            other.look_anew()
            assert not other.believes(subject, 0)
            assert 2 * other.longest_pause_s < WITHIN_S

    def test_learns_of_what_was_raised_before_it_started(self) -> None:
        subject = uuid4()
        epoch = raised(subject)
        with watcher() as other:
            other.until(subject, epoch, believed=True)
            assert not other.believes(subject, epoch - 1)

    def test_lives_through_what_nobody_thought_of_and_believes_nothing_meanwhile(self) -> None:
        subject = uuid4()
        with watcher() as other:
            other.until(subject, 0, believed=True)
            other.reads("badly")
            other.until(subject, 0, believed=False)
            epoch = raised(subject)
            assert not other.believes(subject, epoch)
            other.reads("well")
            other.until(subject, epoch, believed=True)
            assert not other.believes(subject, epoch - 1)

    def test_believes_no_cache_before_it_has_read(self) -> None:
        nowhere = f"postgres://x:y@127.0.0.1:{outages.dead_port()}/x"
        with watcher(DATABASE_URL=nowhere, DATABASE_POOL_URL="") as other:
            assert not any(other.believes(uuid4(), 10**9) for _ in range(200))


@pytest.fixture
def noted() -> Iterator[Callable[[], dict[UUID, datetime]]]:
    """An empty notebook of last calls, and how to read it out."""
    epochs._touched.clear()
    redis.client().delete(redis.last_active())
    yield epochs.take_touched
    epochs._touched.clear()
    redis.client().delete(redis.last_active())


class TestLastCalls:
    def test_they_travel_through_redis_and_are_taken_once(
        self, noted: Callable[[], dict[UUID, datetime]]
    ) -> None:
        tenant = uuid4()
        with time_machine.travel("2026-11-21T04:05:06Z", tick=False):
            epochs.touch(tenant)
        epochs.touch(None)
        epochs._flush_touched()
        assert noted() == {tenant: datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC)}
        assert noted() == {}
        assert epochs._touched == {}

    def test_they_wait_while_redis_is_away(self, noted: Callable[[], dict[UUID, datetime]]) -> None:
        tenant = uuid4()
        epochs.touch(tenant)
        with outages.redis_away():
            epochs._flush_touched()
        assert noted() == {}
        epochs._flush_touched()
        assert list(noted()) == [tenant]

    def test_a_call_during_the_flush_is_not_lost(
        self, noted: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tenant = uuid4()
        client = redis.client()
        write = client.hset

        def hset(*args: Any, **kwargs: Any) -> Any:
            done = write(*args, **kwargs)
            epochs.touch(tenant)
            return done

        epochs.touch(tenant)
        monkeypatch.setattr(client, "hset", hset)
        epochs._flush_touched()
        assert list(epochs._touched) == [tenant]
