"""The outbox: an event is there exactly when its cause is (E1-E5, X10)."""

from uuid import uuid4

from django.db import transaction

from apps.tenants import lifecycle
from apps.webhooks import outbox
from apps.webhooks.models import OutboxEvent
from tenlyr.core import events
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
    assert [row.type for row in mine.order_by("id")] == ["tenant.provisioned", "tenant.suspended"]


def test_ids_are_in_the_order_of_events(acme: Customer) -> None:
    lifecycle.suspend(workspace_id=acme.workspace.id, tenant_id=acme.id)
    lifecycle.reactivate(workspace_id=acme.workspace.id, tenant_id=acme.id)
    rows = OutboxEvent.objects.filter(tenant_id=acme.id)
    by_id = list(rows.order_by("id").values_list("type", flat=True))
    assert by_id == list(rows.order_by("created_at").values_list("type", flat=True))


def test_export_is_the_envelope(acme: Customer) -> None:
    [shown] = outbox.HOLDING.export(acme.id) if outbox.HOLDING.export else []
    assert set(shown) == {"id", "type", "createdAt", "data"}
    assert shown["createdAt"].endswith("Z")
    assert shown["data"]["tenantId"] == str(acme.id)


def test_purge_leaves_the_news_of_the_deletion() -> None:
    tenant_id, workspace_id = uuid4(), uuid4()
    with transaction.atomic():
        for kind in (EventType.TENANT_PROVISIONED, EventType.TENANT_DELETED):
            events.emit(kind, workspace_id=workspace_id, tenant_id=tenant_id, data={})
    assert outbox.HOLDING.purge(tenant_id) == 1
    left = OutboxEvent.objects.filter(tenant_id=tenant_id)
    assert [row.type for row in left] == ["tenant.deleted"]
    assert outbox.HOLDING.purge(tenant_id) == 0
