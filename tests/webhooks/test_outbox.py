"""The outbox: an event is there exactly when its cause is (E1-E5, X10)."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import transaction

from apps.tenants import lifecycle
from apps.webhooks import outbox, partitions, tasks
from apps.webhooks.models import OutboxEvent
from tenlyr.core import clock, events
from tenlyr.core.events import EventType
from tests.cast import Customer
from tests.core.transactions import undone


def emit(kind: EventType = EventType.TENANT_SUSPENDED) -> events.Event:
    """An event of a workspace of its own."""
    return events.emit(
        kind, workspace_id=uuid4(), tenant_id=uuid4(), data={"tenantId": "x", "n": 1}
    )


def test_it_is_kept_whole() -> None:
    with transaction.atomic():
        event = emit()
    row = OutboxEvent.objects.get(id=event.id)
    assert (row.type, row.workspace_id, row.tenant_id) == (
        event.type,
        event.workspace_id,
        event.tenant_id,
    )
    assert (row.data, row.created_at) == (event.data, event.created_at)
    assert str(row) == f"tenant.suspended {event.id}"


def test_it_is_there_before_the_commit_and_gone_with_the_rollback() -> None:
    with undone():
        event = emit()
        assert OutboxEvent.objects.filter(id=event.id).exists()
    assert not OutboxEvent.objects.filter(id=event.id).exists()


def test_a_verb_that_fails_afterwards_leaves_no_event(acme: Customer) -> None:
    mine = OutboxEvent.objects.filter(tenant_id=acme.id)
    assert mine.count() == 1
    with undone():
        lifecycle.suspend(workspace_id=acme.workspace.id, tenant_id=acme.id)
        assert mine.count() == 2
    assert mine.count() == 1
    lifecycle.suspend(workspace_id=acme.workspace.id, tenant_id=acme.id)
    assert [row.type for row in mine.order_by("seq")] == ["tenant.provisioned", "tenant.suspended"]


def test_ids_are_in_the_order_of_events(acme: Customer) -> None:
    """Of different milliseconds: within one they are in any order."""
    with time_machine.travel(clock.now() + timedelta(seconds=1), tick=False) as moment:
        lifecycle.suspend(workspace_id=acme.workspace.id, tenant_id=acme.id)
        moment.shift(timedelta(milliseconds=1))
        lifecycle.reactivate(workspace_id=acme.workspace.id, tenant_id=acme.id)
    rows = OutboxEvent.objects.filter(tenant_id=acme.id)
    by_id = list(rows.order_by("id").values_list("type", flat=True))
    assert by_id == list(rows.order_by("created_at").values_list("type", flat=True))


def test_export_is_the_envelope(acme: Customer) -> None:
    [shown] = outbox.HOLDING.export(acme.id) if outbox.HOLDING.export else []
    assert set(shown) == {"id", "type", "createdAt", "data"}
    assert shown["createdAt"].endswith("Z")
    assert shown["data"]["tenantId"] == str(acme.id)


@pytest.fixture
def old() -> Iterator[Callable[..., str]]:
    """Make events of so many months ago; answers the id."""
    workspace_id = uuid4()

    def make(months: int, *, is_fanned_out: bool = True) -> str:
        month = partitions.shifted(partitions.month_of(clock.now()), -months)
        moment = datetime.combine(month, time(12), UTC)
        with time_machine.travel(moment, tick=False), transaction.atomic():
            made = events.emit(
                EventType.TENANT_SUSPENDED, workspace_id=workspace_id, tenant_id=uuid4(), data={}
            )
        OutboxEvent.objects.filter(id=made.id).update(is_fanned_out=is_fanned_out)
        return made.id

    yield make
    OutboxEvent.objects.filter(workspace_id=workspace_id).delete()


def left(*event_ids: str) -> list[str]:
    """Which of these there are."""
    return [one for one in event_ids if OutboxEvent.objects.filter(id=one).exists()]


def test_events_go_when_they_can_be_replayed_no_longer(
    old: Callable[..., str], settings: Any
) -> None:
    settings.WEBHOOK_RETENTION_MONTHS = 3
    expired, kept = [old(5), old(4)], [old(3), old(0)]
    waiting = old(9, is_fanned_out=False)
    assert outbox.drop_expired() >= 2
    assert left(*expired, *kept, waiting) == [*kept, waiting]
    oldest = OutboxEvent.objects.get(id=kept[0])
    assert partitions.month_of(oldest.created_at) == partitions.kept_since()


def test_all_that_is_expired_goes_in_many_statements(
    old: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.drop_expired()
    monkeypatch.setattr(outbox, "CHUNK", 2)
    made = [old(20), *(old(19, is_fanned_out=number % 2 == 0) for number in range(7)), old(18)]
    assert outbox.drop_expired() == 6
    assert len(left(*made)) == 3
    assert tasks.drop_expired() == 0


def test_purge_leaves_the_news_of_the_deletion() -> None:
    tenant_id, workspace_id = uuid4(), uuid4()
    with transaction.atomic():
        for kind in (EventType.TENANT_PROVISIONED, EventType.TENANT_DELETED):
            events.emit(kind, workspace_id=workspace_id, tenant_id=tenant_id, data={})
    assert outbox.HOLDING.purge(tenant_id) == 1
    left = OutboxEvent.objects.filter(tenant_id=tenant_id)
    assert [row.type for row in left] == ["tenant.deleted"]
    assert outbox.HOLDING.purge(tenant_id) == 0
