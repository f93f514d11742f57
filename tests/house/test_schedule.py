"""No message of beat's outlives its use: while workers are away none pile up."""

from collections.abc import Iterator

import pytest
from celery.schedules import crontab
from django_celery_beat.schedulers import ModelEntry

from tenlyr.celery import app
from tests.core.transactions import undone

HOUR_S = 3_600
# A message must live longer than a worker takes to come to it, though it is sent every second.
LEAST_S = 10


@pytest.fixture
def _no_traces() -> Iterator[None]:
    """Beat keeps its schedule in the database."""
    with undone():
        yield


@pytest.mark.usefixtures("_no_traces")
@pytest.mark.parametrize("name", sorted(app.conf.beat_schedule))
def test_every_message_expires(name: str) -> None:
    """As the scheduler of the product sends it: one of Celery's own has other names for this."""
    planned = app.conf.beat_schedule[name]
    entry = ModelEntry.from_entry(name, app=app, **planned)
    when = planned["schedule"]
    period_s = HOUR_S if isinstance(when, crontab) else when
    assert 0 < entry.options["expires"] <= max(LEAST_S, period_s)
