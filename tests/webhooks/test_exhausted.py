"""Deliveries that are given up, and what is told of it: never in a circle (X35)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from apps.health.models import Alert
from apps.webhooks import endpoints, finishing, replaying, schedule, states
from apps.webhooks.models import Endpoint
from tenlyr.core import clock
from tenlyr.core.events import EventType
from tests.cast import Customer
from tests.webhooks.receiving import Receiver, always
from tests.webhooks.stage import Stage

EXHAUSTED = EventType.DELIVERY_EXHAUSTED
ALL_BUT_THE_LAST = len(schedule.DELAYS)


def use_up(stage: Stage, **which: Any) -> None:
    """Let the next attempt of what is pending be the last one, and make it."""
    pending = stage.deliveries(status="pending", **which)
    pending.update(failures=ALL_BUT_THE_LAST, attempts=ALL_BUT_THE_LAST, next_at=clock.now())
    stage.pump()


def told(receiver: Receiver, kind: EventType = EXHAUSTED) -> list[dict[str, Any]]:
    """The data of what a receiver heard of one kind."""
    return [got.event["data"] for got in receiver.got if got.event["type"] == kind]


def test_it_is_told_to_the_other_endpoints_and_as_an_alert(stage: Stage) -> None:
    endpoint, receiver = stage.listen(always(500))
    _, other = stage.listen()
    [event_id] = stage.emit()
    stage.pump()
    assert told(other) == []
    use_up(stage, endpoint_id=endpoint.id)
    delivery = stage.deliveries(endpoint_id=endpoint.id, event_id=event_id).get()
    assert (delivery.status, delivery.attempts) == ("failed", ALL_BUT_THE_LAST + 1)
    [said] = stage.told(EXHAUSTED)
    assert said == {
        "endpointId": str(endpoint.id),
        "url": endpoint.url,
        "deliveryId": str(delivery.id),
        "eventId": event_id,
        "eventType": "tenant.suspended",
        "attempts": ALL_BUT_THE_LAST + 1,
        "reason": "The receiver answered 500.",
    }
    assert told(other) == [said]
    assert told(receiver) == []
    alert = Alert.objects.get(workspace_id=stage.id)
    assert (alert.type, alert.severity, alert.count) == ("webhook_exhausted", "warning", 1)
    assert event_id in alert.message


def test_a_tenants_endpoint_is_of_its_tenant(stage: Stage, acme: Customer) -> None:
    endpoint, _ = endpoints.create(
        workspace_id=acme.workspace.id, tenant_id=acme.id, url=stage.listen(always(500))[0].url
    )
    stage.id = acme.workspace.id
    stage.emit(1, acme.id)
    stage.pump()
    use_up(stage, endpoint_id=endpoint.id)
    assert stage.told(EXHAUSTED)[0]["tenantId"] == str(acme.id)
    assert Alert.objects.get(tenant_id=acme.id).type == "webhook_exhausted"


def test_endpoints_that_all_fail_do_not_tell_each_other_for_ever(stage: Stage) -> None:
    """What a delivery that is given up causes ends by itself, with nobody well to hear of it."""
    for _ in range(3):
        stage.listen(always(500))
    stage.emit()
    stage.pump()
    rounds = 0
    while stage.deliveries(status="pending").exists():
        use_up(stage)
        rounds += 1
    assert rounds == 3
    # Of the event itself, and of the alert that was opened then; of what tells of them, never.
    kinds = [one["eventType"] for one in stage.told(EXHAUSTED)]
    assert sorted(kinds) == ["alert.created"] * 3 + ["tenant.suspended"] * 3
    alert = Alert.objects.get(workspace_id=stage.id)
    assert alert.count == 6
    assert len(stage.told(EventType.ALERT_CREATED)) == 1


def test_what_is_about_an_endpoint_is_not_sent_there_nor_by_a_replay(stage: Stage) -> None:
    endpoint, receiver = stage.listen()
    _, other = stage.listen()
    with transaction.atomic():
        states.tell(endpoint, EventType.ENDPOINT_DISABLED, reason="It answered 410: gone.")
    stage.pump()
    assert len(told(other, EventType.ENDPOINT_DISABLED)) == 1
    now, hour = clock.now(), timedelta(hours=1)
    for one in Endpoint.objects.filter(workspace_id=stage.id):
        replaying.replay(
            workspace_id=stage.id, endpoint_id=one.id, since=now - hour, until=now + hour
        )
    stage.pump()
    assert len(told(other, EventType.ENDPOINT_DISABLED)) == 2
    assert told(receiver, EventType.ENDPOINT_DISABLED) == []
    # The alert that it raised is not about the endpoint alone.
    assert len(told(receiver, EventType.ALERT_CREATED)) == 2


def test_tests_and_410_are_told_otherwise(stage: Stage) -> None:
    tested, _ = stage.listen(always(500), events=["tenant.deleted"])
    stage.listen(always(410), events=["tenant.suspended"])
    replaying.send_test(workspace_id=stage.id, endpoint_id=tested.id)
    stage.emit()
    stage.pump()
    assert {one.status for one in stage.deliveries()} == {"failed"}
    assert stage.told(EXHAUSTED) == []
    assert len(stage.told(EventType.ENDPOINT_DISABLED)) == 1


def test_one_that_was_cancelled_meanwhile_is_not_told_of(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.listen(always(500))
    stage.emit()
    stage.pump()

    def record(*given: Any) -> None:
        stage.deliveries().update(status="cancelled", next_at=None)
        done(*given)

    done = finishing.record
    monkeypatch.setattr(finishing, "record", record)
    use_up(stage)
    assert stage.deliveries().get().status == "cancelled"
    assert stage.told(EXHAUSTED) == []
