"""What speaks of a tenant to operators never reaches the tenant's own endpoints (A26, X18)."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import transaction

from apps.webhooks import endpoints, replaying
from apps.webhooks.catalogue import CATALOGUE
from apps.webhooks.models import OutboxEvent
from tenlyr.core import clock, events
from tenlyr.core.errors import InvalidRequest
from tenlyr.core.events import FOR_OPERATORS, Audience, EventType
from tests.cast import Customer
from tests.health.alarms import raised
from tests.webhooks.receiving import Receiver
from tests.webhooks.stage import Stage


@pytest.fixture
def told(stage: Stage, acme: Customer) -> tuple[Receiver, Receiver]:
    """The operator's receiver and the tenant's, both of everything."""
    stage.id = acme.workspace.id
    _, operators = stage.listen()
    _, tenants = stage.listen(tenant_id=acme.id)
    return operators, tenants


def emit(stage: Stage, tenant_id: UUID, *kinds: EventType) -> None:
    with transaction.atomic():
        for kind in kinds:
            data = {**CATALOGUE[kind].data, "tenantId": str(tenant_id)}
            events.emit(kind, workspace_id=stage.id, tenant_id=tenant_id, data=data)


def replay(stage: Stage) -> None:
    """Everything of the last hour once more, to every endpoint."""
    now, hour = clock.now(), timedelta(hours=1)
    for one in endpoints.of(stage.id):
        replaying.replay(
            workspace_id=stage.id, endpoint_id=one.id, since=now - hour, until=now + hour
        )


def kinds(receiver: Receiver) -> set[str]:
    return {got.event["type"] for got in receiver.got}


def test_a_tenants_endpoint_for_everything_hears_nothing_for_operators(
    stage: Stage, acme: Customer, told: tuple[Receiver, Receiver]
) -> None:
    operators, tenants = told
    emit(stage, acme.id, *FOR_OPERATORS, EventType.HEALTH_CRITICAL, EventType.TENANT_SUSPENDED)
    stage.pump()
    replay(stage)
    stage.pump()
    assert kinds(operators) >= FOR_OPERATORS
    assert not kinds(tenants) & FOR_OPERATORS
    assert kinds(tenants) >= {EventType.HEALTH_CRITICAL, EventType.TENANT_SUSPENDED}
    mine = {
        got.event["data"]["type"] for got in tenants.got if got.event["type"] == "alert.created"
    }
    assert mine == {"health_critical"}


def test_an_alert_is_told_to_whom_the_api_shows_it(
    stage: Stage, acme: Customer, told: tuple[Receiver, Receiver]
) -> None:
    operators, tenants = told
    for kind in ("noisy_neighbour", "disk_full", "cross_tenant_violation"):
        raised(acme, kind=kind)
    stage.pump()

    def alerts(receiver: Receiver) -> list[str]:
        heard = (got.event for got in receiver.got)
        return sorted(one["data"]["type"] for one in heard if one["type"] == "alert.created")

    assert alerts(operators) == ["cross_tenant_violation", "disk_full", "noisy_neighbour"]
    assert alerts(tenants) == ["disk_full"]


@pytest.mark.parametrize("kind", sorted(FOR_OPERATORS))
def test_a_tenants_endpoint_cannot_ask_for_it(
    stage: Stage, acme: Customer, kind: EventType
) -> None:
    workspace_id, wanted = acme.workspace.id, ["tenant.suspended", kind]
    stage.id = workspace_id
    endpoint, _ = stage.listen(tenant_id=acme.id)
    with pytest.raises(InvalidRequest, match="operators only"):
        stage.listen(tenant_id=acme.id, events=wanted)
    for asking in (acme.id, None):  # its own key, and its operator's
        with pytest.raises(InvalidRequest, match="operators only"):
            endpoints.change(
                workspace_id=workspace_id,
                endpoint_id=endpoint.id,
                tenant_id=asking,
                events=wanted,
            )
    assert stage.listen(events=wanted)[0].events == sorted(wanted)


def test_the_audience_of_a_type_may_be_narrowed_but_is_kept(stage: Stage) -> None:
    with transaction.atomic():
        made = {
            audience: events.emit(
                EventType.TENANT_SUSPENDED,
                workspace_id=stage.id,
                tenant_id=stage.id,
                data={},
                audience=audience,
            ).id
            for audience in (None, *Audience)
        }
    kept = {
        audience: OutboxEvent.objects.get(id=event_id).is_for_operators
        for audience, event_id in made.items()
    }
    assert kept == {None: False, Audience.TENANT: False, Audience.OPERATORS: True}
