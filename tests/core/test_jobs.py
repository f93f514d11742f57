"""Scheduled work is done once a period, however many clocks call for it (R8, F52)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction

from tenlyr.core import ids, jobs
from tenlyr.core.models import JobRun
from tests.core import threads
from tests.core.transactions import undone

# Nothing here comes to the end of it: a test never sees the next period begin.
CENTURY = timedelta(days=36_500)


@pytest.fixture
def job() -> Iterator[str]:
    """A job of this test's own."""
    name = f"tests.{ids.uuid7()}"
    yield name
    JobRun.objects.filter(job=name).delete()


def begin(job: str, period: timedelta = CENTURY) -> bool:
    """What a worker does that works in no time."""
    with transaction.atomic():
        return jobs.once_per(job, period)


def test_a_period_is_worked_once(job: str) -> None:
    assert jobs.is_due(job, CENTURY)
    assert [begin(job), begin(job), begin(job)] == [True, False, False]
    assert not jobs.is_due(job, CENTURY)


def test_jobs_do_not_know_of_each_other(job: str) -> None:
    assert begin(job)
    other = f"{job}.other"
    assert begin(other)
    JobRun.objects.filter(job=other).delete()


def test_the_next_period_is_another_one(job: str) -> None:
    """The clock is Postgres': whoever asks, the row says when the period began."""
    assert begin(job, timedelta(seconds=60))
    run = JobRun.objects.get(job=job)
    assert run.period.second == run.period.microsecond == 0
    assert timedelta() <= run.started_at - run.period < timedelta(seconds=60)
    JobRun.objects.filter(job=job).update(period=run.period - timedelta(seconds=60))
    assert jobs.is_due(job, timedelta(seconds=60))
    assert begin(job, timedelta(seconds=60))


def test_what_is_undone_may_be_done_again(job: str) -> None:
    """A worker that is killed leaves its period to the next one that comes."""
    with undone():
        assert jobs.once_per(job, CENTURY)
    assert jobs.is_due(job, CENTURY)
    assert begin(job)


def test_of_two_at_once_one_works_and_the_other_goes_away(job: str) -> None:
    """It does not wait either: the first may have work for minutes."""
    is_held, is_asked = Event(), Event()

    def works() -> bool:
        with transaction.atomic():
            is_ours = jobs.once_per(job, CENTURY)
            is_held.set()
            assert is_asked.wait(threads.BOUND_S)
        return is_ours

    def comes_second() -> bool:
        assert is_held.wait(threads.BOUND_S)
        try:
            return begin(job)
        finally:
            is_asked.set()

    assert threads.together([works, comes_second]) == [True, False]


def test_four_clocks_that_strike_together(job: str) -> None:
    assert sorted(threads.together([lambda: begin(job)] * 4)) == [False, False, False, True]


def test_old_periods_are_forgotten(job: str) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=2)
    JobRun.objects.create(job=job, period=long_ago, started_at=long_ago)
    assert begin(job, timedelta(seconds=60))
    assert JobRun.objects.filter(job=job).count() == 1


def test_a_long_period_is_remembered_while_it_lasts(job: str) -> None:
    assert begin(job, timedelta(days=30))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(jobs.FORGET, jobs_named(job, timedelta(days=30)))
        assert cursor.rowcount == 0


def jobs_named(job: str, length: timedelta) -> dict[str, Any]:
    """The parameters of a statement of the module's."""
    return {"job": job, "length": length, "remembered": jobs.REMEMBERED}


def test_outside_a_transaction_it_is_refused(job: str) -> None:
    with pytest.raises(RuntimeError, match="inside the transaction"):
        jobs.once_per(job, CENTURY)
