"""The schedule: asked for often, done once a period; two beats change nothing (R8, F8, F52)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from apps.health import hours, looking, scanning, tasks
from apps.health.models import History, Progress
from tenlyr.celery import app
from tenlyr.core.models import JobRun
from tests.cast import Customer
from tests.core import threads
from tests.health.support import calls, health, kinds, send


@pytest.fixture(autouse=True)
def _nobody_worked(settings: Any) -> Iterator[None]:
    """A period that does not end while the test runs."""
    settings.HEALTH_PERIOD_S = 100 * 365 * 86_400
    ours = JobRun.objects.filter(job__in=[scanning.JOB, hours.JOB])
    ours.delete()
    yield
    ours.delete()


def test_four_beats_one_scan(acme: Customer) -> None:
    send(acme, *calls(looking.present(), 10, errors=5))
    done = threads.together([scanning.scan_if_due] * 4)
    assert len([one for one in done if one is not None]) == 1
    assert health(acme).status == "critical"
    assert kinds(acme) == ["health.critical"]


def test_the_task_scans(acme: Customer) -> None:
    send(acme, *calls(looking.present(), 10, errors=5))
    tasks.scan()
    tasks.scan()
    assert health(acme).status == "critical"
    assert JobRun.objects.filter(job=scanning.JOB).count() == 1


def test_a_worker_killed_before_it_wrote_leaves_the_period_to_the_next(
    acme: Customer, monkeypatch: Any
) -> None:
    send(acme, *calls(looking.present(), 10, errors=5))

    def dying(*_given: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(scanning, "_note_progress", dying)
        with pytest.raises(KeyboardInterrupt):
            scanning.scan_if_due()
    assert health(acme).status == "unknown"
    assert scanning.scan_if_due() is not None
    assert kinds(acme) == ["health.critical"]


def test_months_are_dropped_by_the_night(acme: Customer) -> None:
    assert tasks.drop_expired() >= 0
    tasks.roll_up()
    assert Progress.objects.filter(rolled_up_to__isnull=False).exists()
    assert not History.objects.filter(tenant_id=acme.id).exists()


def test_the_schedule_asks_more_often_than_the_period() -> None:
    """A beat's tick that comes a moment early must not cost a whole period."""
    entries = app.conf.beat_schedule
    assert entries["health.scan"]["schedule"] <= 60 / 4
    for name in ("health.scan", "health.roll_up", "health.drop_expired"):
        assert entries[name]["task"] == name
        assert name in app.tasks
    assert settings.HEALTH_WINDOW_S == 300
