"""Webhooks in the Django admin: looked at, paused, tested and retried through the verbs."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from apps.audit.models import AuditEntry
from apps.webhooks import endpoints
from apps.webhooks.models import Attempt, Delivery, Endpoint, OutboxEvent
from apps.workspaces.models import Operator
from tenlyr.core import clock
from tests.cast import Customer, email

ENDPOINTS, DELIVERIES = "/admin/webhooks/endpoint/", "/admin/webhooks/delivery/"


@pytest.fixture
def endpoint(acme: Customer, settings: Any) -> Iterator[Endpoint]:
    settings.EGRESS_ALLOW_LOOPBACK = True
    made, _ = endpoints.create(workspace_id=acme.workspace.id, url="http://127.0.0.1:9/admin")
    yield made
    Delivery.objects.filter(endpoint_id=made.id).delete()
    made.delete()


@pytest.fixture
def delivery(acme: Customer, endpoint: Endpoint) -> Delivery:
    event = OutboxEvent.objects.get(tenant_id=acme.id)
    row = Delivery.objects.create(
        event_id=event.id,
        event_at=event.created_at,
        endpoint_id=endpoint.id,
        workspace_id=endpoint.workspace_id,
        tenant_id=acme.id,
        lane=acme.id,
        type=event.type,
        status="failed",
    )
    answer = "<script>alert(1)</script>"
    Attempt.objects.create(delivery_id=row.id, number=1, at=clock.now(), response=answer)
    return row


def act(browser: Client, path: str, action: str, row: Any) -> str:
    """What the page says after an action."""
    chosen = {"action": action, "_selected_action": [str(row.pk)]}
    return browser.post(path, chosen, follow=True).content.decode()


def test_an_endpoint_is_found_and_shown_without_its_secret(
    browser: Client, endpoint: Endpoint
) -> None:
    assert endpoint.url in browser.get(ENDPOINTS, {"q": str(endpoint.id)}).content.decode()
    page = browser.get(f"{ENDPOINTS}{endpoint.id}/change/").content.decode()
    assert endpoint.url in page
    assert "secret" not in page
    assert 'name="_save"' not in page
    assert browser.get(f"{ENDPOINTS}add/").status_code == 403


def test_acts_go_through_the_verbs_and_name_the_operator(
    browser: Client, operator: Operator, endpoint: Endpoint
) -> None:
    for action, status in (("pause", "paused"), ("resume", "enabled")):
        assert f"1 {status}." in act(browser, ENDPOINTS, action, endpoint)
        endpoint.refresh_from_db()
        assert endpoint.status == status
    entry = AuditEntry.objects.filter(body__target=str(endpoint.id)).latest("seq")
    assert (entry.body["actorType"], entry.body["actorId"]) == ("operator", str(operator.pk))
    assert "1 tested." in act(browser, ENDPOINTS, "send_test", endpoint)
    assert Delivery.objects.get(endpoint_id=endpoint.id).is_test
    endpoints.change(workspace_id=endpoint.workspace_id, endpoint_id=endpoint.id, status="paused")
    assert "paused or disabled" in act(browser, ENDPOINTS, "send_test", endpoint)


def test_what_a_receiver_answered_is_shown_as_text(browser: Client, delivery: Delivery) -> None:
    listed = browser.get(DELIVERIES, {"q": str(delivery.id)}).content.decode()
    assert str(delivery.id) in listed
    page = browser.get(f"{DELIVERIES}{delivery.id}/change/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert(1)" not in page


def test_a_delivery_is_sent_again(browser: Client, delivery: Delivery) -> None:
    assert "1 to be sent again." in act(browser, DELIVERIES, "retry", delivery)
    delivery.refresh_from_db()
    assert delivery.status == "pending"


def test_who_may_only_look_may_not_act(endpoint: Endpoint) -> None:
    address = email()
    viewer = Operator.objects.create_user(address, address, "x" * 12, is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_endpoint"))
    browser = Client(headers={"host": "localhost"})
    browser.force_login(viewer)
    assert browser.get(ENDPOINTS).status_code == 200
    act(browser, ENDPOINTS, "pause", endpoint)
    endpoint.refresh_from_db()
    assert endpoint.status == "enabled"
