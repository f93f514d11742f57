"""When tenants last called (A9, X46)."""

from datetime import datetime, timedelta

import pytest

from apps.tenants import activity, tasks
from apps.tenants.models import Tenant
from tenlyr.core import clock, epochs, ids
from tests.cast import Customer


def last_active_at(tenant: Customer) -> datetime | None:
    return Tenant.objects.get(pk=tenant.id).last_active_at


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> dict[object, datetime]:
    """What the processes noted, instead of what they really noted meanwhile."""
    notes: dict[object, datetime] = {}
    monkeypatch.setattr(epochs, "take_touched", lambda: dict(notes))
    return notes


def test_a_call_is_written_down(acme: Customer, noted: dict[object, datetime]) -> None:
    noted[acme.id] = clock.now()
    assert activity.flush() == 1
    assert last_active_at(acme) == noted[acme.id]


def test_an_older_note_changes_nothing(acme: Customer, noted: dict[object, datetime]) -> None:
    noted[acme.id] = now = clock.now()
    activity.flush()
    noted[acme.id] = now - timedelta(seconds=1)
    assert activity.flush() == 0
    assert last_active_at(acme) == now


def test_unknown_tenants_are_left_out_and_batches_all_written(
    acme: Customer,
    globex: Customer,
    noted: dict[object, datetime],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(activity, "BATCH", 1)
    noted.update({acme.id: clock.now(), globex.id: clock.now(), ids.uuid7(): clock.now()})
    assert tasks.flush_last_active() == 2
    assert last_active_at(acme)
    assert last_active_at(globex)


def test_nothing_noted_is_nothing_done(noted: dict[object, datetime]) -> None:
    assert noted == {}
    assert activity.flush() == 0


def test_from_an_authenticated_call_to_the_row(acme: Customer) -> None:
    """The whole way: the process notes it, hands it to Redis, the task writes it down."""
    before = clock.now()
    epochs.touch(acme.id)
    epochs._flush_touched()
    activity.flush()
    written = last_active_at(acme)
    assert written is not None
    assert written >= before - timedelta(seconds=1)
