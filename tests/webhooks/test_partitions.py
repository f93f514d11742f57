"""The log by months: made when needed, dropped when retention is over; and its purge (R17)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from apps.webhooks import holding, partitions
from apps.webhooks.models import Attempt, Delivery, OutboxEvent
from tenlyr.core import clock, events
from tenlyr.core.events import EventType
from tests.cast import Customer
from tests.webhooks.stage import Stage


def months() -> set[date]:
    """Those that the log of deliveries has."""
    return {month for parent, month in partitions._have() if parent == "webhooks_delivery"}


def test_an_event_of_a_month_without_a_table_is_delivered_too(stage: Stage) -> None:
    _, receiver = stage.listen()
    [old] = stage.emit()
    [new] = stage.emit()
    then = clock.now() - timedelta(days=70)
    OutboxEvent.objects.filter(id=old).update(created_at=then)
    stage.pump()
    assert sorted(receiver.ids) == sorted([old, new])
    assert partitions.month_of(then) in months()


def test_months_past_retention_go_and_the_others_stay(settings: Any) -> None:
    settings.WEBHOOK_RETENTION_MONTHS = 3
    this = partitions.month_of(clock.now())
    old = [partitions.shifted(this, -by) for by in (4, 5)]
    partitions.make(partitions.PARENTS, [*old, partitions.shifted(this, -3)])
    assert set(old) <= months()
    assert partitions.drop_expired() >= 4
    assert not set(old) & months()
    assert partitions.shifted(this, -3) in months()
    assert partitions.drop_expired() == 0


def test_this_month_and_the_next_are_there_ahead() -> None:
    partitions.ensure(datetime(2031, 12, 31, 23, 59, tzinfo=UTC))
    assert {date(2031, 12, 1), date(2032, 1, 1)} <= months()
    assert partitions.ensure(datetime(2031, 12, 1, tzinfo=UTC)) == 0


def test_nothing_else_and_no_young_month_can_be_dropped() -> None:
    this = partitions.month_of(clock.now())
    for parent, month in (
        ("webhooks_delivery", this),
        ("webhooks_attempt", partitions.shifted(this, -1)),
        ("audit_auditentry", partitions.shifted(this, -9)),
        ("webhooks_delivery", date(2020, 1, 2)),
    ):
        function = "make" if month.day == 2 else "drop"
        with pytest.raises(Exception, match="month"), transaction.atomic():
            connection.cursor().execute(
                f"SELECT webhooks_{function}_partition(%s, %s)", [parent, month]
            )


def test_the_log_of_a_tenant_is_purged_but_for_its_end(stage: Stage, acme: Customer) -> None:
    stage.listen()
    stage.listen(tenant_id=acme.id)
    stage.emit(3, acme.id)
    with transaction.atomic():
        events.emit(
            EventType.TENANT_DELETED,
            workspace_id=stage.id,
            tenant_id=acme.id,
            data={"tenantId": str(acme.id)},
        )
    stage.pump()
    exported = list(holding.ENDPOINTS.export(acme.id)) if holding.ENDPOINTS.export else []
    assert len(exported) == 1
    assert "secret" not in exported[0]
    assert holding.ENDPOINTS.purge(acme.id) == 1
    kept = {one.id for one in Delivery.objects.filter(tenant_id=acme.id, type="tenant.deleted")}
    # Its beginning and three more, to two endpoints, and an attempt of each.
    assert holding.DELIVERIES.purge(acme.id) == 4 * 2 * 2
    left = Delivery.objects.filter(tenant_id=acme.id)
    assert {one.id for one in left} == kept
    assert Attempt.objects.filter(delivery_id__in=kept).count() == len(kept) == 2
