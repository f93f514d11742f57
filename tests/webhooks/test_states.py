"""How endpoints that fail are warned of, and disabled (X35, T45)."""

from datetime import timedelta
from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.webhooks import endpoints, states
from apps.webhooks.models import Endpoint
from tenlyr.core.events import EventType
from tests.webhooks.receiving import always, ok
from tests.webhooks.stage import Stage

DAY = timedelta(days=1)
ONLY = ["tenant.suspended"]


def fail(stage: Stage, endpoint: Endpoint) -> Endpoint:
    """One more event that it refuses; the endpoint as it is then."""
    stage.emit()
    stage.pump()
    return Endpoint.objects.get(id=endpoint.id)


def test_warnings_come_once_each_and_then_it_is_disabled(stage: Stage) -> None:
    endpoint, receiver = stage.listen(always(500), events=ONLY)
    assert fail(stage, endpoint).failing_since is not None
    seen = []
    for length in (2.6 * DAY, 0 * DAY, 1 * DAY, 1 * DAY, 0 * DAY, 0.5 * DAY):
        stage.pass_time(length)
        endpoint = fail(stage, endpoint)
        seen.append((endpoint.status, endpoint.warned))
    on = "enabled"
    assert seen == [(on, 50), (on, 50), (on, 70), (on, 90), (on, 90), ("disabled", 90)]
    warned = stage.told(EventType.ENDPOINT_FAILING)
    assert [one["percent"] for one in warned] == [50, 70, 90]
    [disabled] = stage.told(EventType.ENDPOINT_DISABLED)
    assert disabled["reason"] == endpoint.disabled_reason == states.FAILED
    before = len(receiver.got)
    fail(stage, endpoint)
    assert len(receiver.got) == before
    trail = AuditEntry.objects.filter(workspace_id=stage.id).order_by("seq")
    acts = [one.body["action"] for one in trail if "endpoint_" in one.body["action"]]
    assert acts == [
        "webhook.endpoint_created",
        *["webhook.endpoint_failing"] * 3,
        "webhook.endpoint_disabled",
    ]


def test_a_success_forgets_the_failures(stage: Stage) -> None:
    endpoint, receiver = stage.listen(always(500), events=ONLY)
    fail(stage, endpoint)
    stage.pass_time(3 * DAY)
    assert fail(stage, endpoint).warned == 50
    receiver.answer = ok
    assert fail(stage, endpoint).failing_since is None
    receiver.answer = always(500)
    assert fail(stage, endpoint).warned == 0
    assert len(stage.told(EventType.ENDPOINT_FAILING)) == 1


def test_410_disables_at_once(stage: Stage) -> None:
    endpoint, receiver = stage.listen(always(410), events=ONLY)
    endpoint = fail(stage, endpoint)
    assert (endpoint.status, endpoint.disabled_reason) == ("disabled", states.GONE)
    assert stage.deliveries().get().status == "failed"
    fail(stage, endpoint)
    assert len(receiver.got) == 1
    assert len(stage.told(EventType.ENDPOINT_DISABLED)) == 1


def test_enabling_begins_anew(stage: Stage) -> None:
    endpoint, receiver = stage.listen(always(410), events=ONLY)
    fail(stage, endpoint)
    receiver.answer = ok
    which: dict[str, Any] = {"workspace_id": stage.id, "endpoint_id": endpoint.id}
    endpoint = endpoints.change(**which, status="enabled")
    assert (endpoint.disabled_reason, endpoint.failing_since) == ("", None)
    fail(stage, endpoint)
    assert len(receiver.got) == 2


@pytest.mark.parametrize("is_tenants", [True, False])
def test_events_about_an_endpoint_name_its_tenant_if_it_has_one(
    stage: Stage, acme: Any, is_tenants: bool
) -> None:
    of = {"tenant_id": acme.id} if is_tenants else {}
    endpoint, _ = stage.listen(always(410), **of)
    stage.emit(1, acme.id)
    stage.pump()
    [told] = stage.told(EventType.ENDPOINT_DISABLED)
    named = {"tenantId": str(acme.id)} if is_tenants else {}
    assert told == {
        **named,
        "endpointId": str(endpoint.id),
        "url": endpoint.url,
        "reason": states.GONE,
    }
