"""Events that raise an alert and those that end one, in their transaction (A25, J24, X36)."""

from typing import Any

import pytest
from django.db import transaction

from apps.health import alert_selectors, listening
from apps.health.models import Alert
from apps.webhooks.catalogue import CATALOGUE
from tenlyr.core import events
from tenlyr.core.events import FOR_OPERATORS, EventType
from tests.cast import Customer
from tests.core.transactions import undone
from tests.health.alarms import told


def emit(kind: EventType, tenant: Customer, **data: Any) -> None:
    """An event as its example says, with what is given."""
    with transaction.atomic():
        events.emit(
            kind,
            workspace_id=tenant.workspace.id,
            tenant_id=tenant.id,
            data={**CATALOGUE[kind].data, **data},
        )


def alerts(tenant: Customer) -> list[tuple[str, str, str]]:
    rows = Alert.objects.filter(tenant_id=tenant.id).order_by("created_at", "id")
    return [(row.type, row.severity, row.status) for row in rows]


@pytest.mark.parametrize("kind", listening.REASONS, ids=str)
def test_each_reason_opens_an_alert_of_its_words(kind: EventType, acme: Customer) -> None:
    emit(kind, acme)
    reason = listening.REASONS[kind]
    assert alerts(acme) == [(reason.kind, reason.severity, "open")]
    alert = Alert.objects.get(tenant_id=acme.id)
    assert (alert.title, alert.message) == reason.words(CATALOGUE[kind].data)
    assert "tenantId" not in alert.metadata
    assert len(told(acme.workspace.id)) == 1


@pytest.mark.parametrize(
    ("cause", "end"),
    [
        (EventType.HEALTH_CRITICAL, EventType.HEALTH_RECOVERED),
        (EventType.NOISY_NEIGHBOUR, EventType.NEIGHBOUR_QUIET),
        (EventType.MIGRATION_FAILED, EventType.MIGRATION_COMPLETED),
    ],
    ids=str,
)
def test_what_is_over_is_settled(
    cause: EventType, end: EventType, acme: Customer, globex: Customer
) -> None:
    for _ in range(2):
        emit(cause, acme)
    emit(cause, globex)
    emit(end, acme)
    kind, severity = listening.REASONS[cause].kind, listening.REASONS[cause].severity
    assert alerts(acme) == [(kind, severity, "resolved")]
    assert Alert.objects.get(tenant_id=acme.id).count == 2
    assert alerts(globex) == [(kind, severity, "open")]


def test_it_is_undone_with_its_cause(acme: Customer) -> None:
    with undone():
        emit(EventType.HEALTH_CRITICAL, acme)
    assert alerts(acme) == []


def test_other_events_are_no_reason(acme: Customer) -> None:
    emit(EventType.TENANT_SUSPENDED, acme)
    assert alerts(acme) == []


def test_what_is_told_to_operators_only_raises_what_only_they_see() -> None:
    theirs = {reason.kind for kind, reason in listening.REASONS.items() if kind in FOR_OPERATORS}
    assert theirs == alert_selectors.FOR_OPERATORS


def test_a_workspace_has_its_own(acme: Customer) -> None:
    with transaction.atomic():
        events.emit(
            EventType.PROOF_FAILED,
            workspace_id=acme.workspace.id,
            tenant_id=None,
            data=dict(CATALOGUE[EventType.PROOF_FAILED].data),
        )
    alert = Alert.objects.get(workspace_id=acme.workspace.id)
    assert (alert.tenant_id, alert.type, alert.severity) == (None, "proof_failed", "critical")
