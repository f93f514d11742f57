"""Endpoints: what may be one, whose it is, and the secrets that sign (E9, X33, T33)."""

import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.webhooks import endpoints
from apps.webhooks.errors import EndpointNotFound, TooManyEndpoints
from apps.webhooks.models import Endpoint
from tenlyr.core import clock
from tenlyr.core.errors import InvalidRequest, UrlNotAllowed
from tests import cast
from tests.cast import Customer
from tests.webhooks.receiving import Got
from tests.webhooks.stage import Stage


def signed_with(got: Got) -> list[str]:
    """The signatures of a request, oldest secret last."""
    parts = got.headers["tenlyr-signature"].split(",")
    return [part.removeprefix("v1=") for part in parts if part.startswith("v1=")]


def signature(secret: str, got: Got) -> str:
    """What a receiver that has the secret expects."""
    content = f"{got.headers['webhook-timestamp']}.".encode() + got.body
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def test_after_a_rotation_both_secrets_sign_for_a_day(stage: Stage) -> None:
    endpoint, receiver = stage.listen()
    old = endpoints.secrets_of(endpoint, clock.now())[0]
    _, new = endpoints.rotate_secret(workspace_id=stage.id, endpoint_id=endpoint.id)
    stage.emit()
    stage.pump()
    stage.pass_time(timedelta(hours=25))
    stage.emit()
    stage.pump()
    during, after = receiver.got
    assert signed_with(during) == [signature(new, during), signature(old, during)]
    assert signed_with(after) == [signature(new, after)]
    assert old != new


def test_secrets_are_sealed(stage: Stage) -> None:
    endpoint, _ = stage.listen()
    [secret] = endpoints.secrets_of(endpoint, clock.now())
    assert secret.startswith("whsec_")
    assert secret.encode() not in bytes(Endpoint.objects.get(id=endpoint.id).secret)


def test_a_url_that_leads_inside_is_refused_and_recorded(workspace: Any) -> None:
    with pytest.raises(UrlNotAllowed):
        endpoints.create(workspace_id=workspace.id, url="https://169.254.169.254/?token=x")
    [entry] = AuditEntry.objects.filter(workspace_id=workspace.id, body__result="refused")
    assert entry.body["action"] == "webhook.url_rejected"
    assert entry.body["target"] == "https://169.254.169.254/"


@pytest.mark.parametrize("events", [[], ["*", "tenant.deleted"], ["tenant.eaten"]])
def test_events_are_names_or_all(stage: Stage, events: list[str]) -> None:
    with pytest.raises(InvalidRequest):
        stage.listen(events=events)


def test_there_is_a_bound_on_them(stage: Stage, acme: Customer, monkeypatch: Any) -> None:
    monkeypatch.setattr(endpoints, "MOST_OF_WORKSPACE", 2)
    monkeypatch.setattr(endpoints, "MOST_OF_TENANT", 1)
    stage.listen(tenant_id=acme.id)
    stage.listen()
    stage.listen()
    for tenant_id in (None, acme.id):
        with pytest.raises(TooManyEndpoints):
            stage.listen(tenant_id=tenant_id)


def test_a_tenants_endpoint_gets_its_own_events_only(stage: Stage, acme: Customer) -> None:
    _, receiver = stage.listen(tenant_id=acme.id, is_ordered=True)  # after that of its birth
    [mine] = stage.emit(1, acme.id)
    stage.emit(3)
    stage.pump()
    assert receiver.ids[-1] == mine
    assert {one.event["data"]["tenantId"] for one in receiver.got} == {str(acme.id)}


def test_those_of_others_are_not_found(stage: Stage, acme: Customer) -> None:
    endpoint, _ = stage.listen()
    for workspace_id, tenant_id in ((cast.workspace().id, None), (stage.id, acme.id)):
        which: dict[str, Any] = {
            "workspace_id": workspace_id,
            "endpoint_id": endpoint.id,
            "tenant_id": tenant_id,
        }
        for verb in (endpoints.delete, endpoints.rotate_secret, endpoints.change):
            with pytest.raises(EndpointNotFound):
                verb(**which)
        with pytest.raises(EndpointNotFound):
            endpoints.get(workspace_id, endpoint.id, tenant_id)
    assert endpoints.of(stage.id).get() == endpoint


def test_changes_are_recorded_without_a_query(stage: Stage) -> None:
    endpoint, _ = stage.listen()
    which: dict[str, Any] = {"workspace_id": stage.id, "endpoint_id": endpoint.id}
    endpoints.change(**which, url=f"{endpoint.url}?token=secret", status="disabled")
    endpoints.change(**which, status="disabled")  # is so already
    entry = AuditEntry.objects.filter(workspace_id=stage.id).latest("seq")
    assert entry.body["action"] == "webhook.endpoint_changed"
    assert entry.body["details"] == {"url": endpoint.url, "status": "disabled"}
    with pytest.raises(InvalidRequest):
        endpoints.change(**which, status="asleep")
