"""Events go up, in the transaction of their cause (E1-E5)."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.db import transaction

from tenlyr.core import events
from tenlyr.core.events import Event, EventType
from tests.core.transactions import undone

WORKSPACE, TENANT = uuid4(), uuid4()


@pytest.fixture
def heard() -> Iterator[list[Event]]:
    """What a subscriber of the test's own hears."""
    found: list[Event] = []
    before = events._subscribers[:]
    events.subscribe(found.append)
    yield found
    events._subscribers[:] = before


def emit() -> Event:
    """Emit something."""
    return events.emit(
        EventType.TENANT_SUSPENDED, workspace_id=WORKSPACE, tenant_id=TENANT, data={"a": 1}
    )


def test_every_subscriber_hears_it_at_once(heard: list[Event]) -> None:
    with undone():
        event = emit()
        assert heard == [event]
    assert event.id.startswith("evt_")
    assert (event.type, event.workspace_id, event.tenant_id) == (
        "tenant.suspended",
        WORKSPACE,
        TENANT,
    )
    assert event.data == {"a": 1}


def test_outside_a_transaction_it_is_a_mistake(heard: list[Event]) -> None:
    with pytest.raises(RuntimeError, match=r"tenant\.suspended"):
        emit()
    assert heard == []


def test_a_subscribers_failure_undoes_the_cause(heard: list[Event]) -> None:
    def refuse(event: Event) -> None:
        raise ValueError("I will not have it")

    events.subscribe(refuse)
    with pytest.raises(ValueError, match="will not"), transaction.atomic():
        emit()


def test_a_subscriber_hears_each_event_once(heard: list[Event]) -> None:
    count = len(events._subscribers)
    keep: Callable[[Event], None] = events._subscribers[0]
    events.subscribe(keep)
    assert len(events._subscribers) == count


def test_the_names_of_the_contract_are_there() -> None:
    """E1-E4, `tenant.deleted`, which X38 needs, and what proofs, health and endpoints say."""
    assert set(EventType) == {
        "tenant.provisioned",
        "tenant.suspended",
        "tenant.reactivated",
        "tenant.terminated",
        "tenant.deleted",
        "tenant.plan_changed",
        "tenant.key_rotated",
        "health.critical",
        "health.recovered",
        "health.noisy_neighbour",
        "health.neighbour_quiet",
        "authz.cross_tenant_violation",
        "alert.created",
        "customer.subscription.created",
        "invoice.payment_succeeded",
        "invoice.payment_failed",
        "isolation.migration_started",
        "isolation.migration_completed",
        "isolation.migration_failed",
        "isolation.proof_failed",
        "webhook.endpoint_failing",
        "webhook.endpoint_disabled",
        "webhook.delivery_exhausted",
        "webhook.test",
    }
