"""Sending again: one delivery, a range of time, a test (E8, F31)."""

from datetime import timedelta
from typing import Any

import pytest

from apps.webhooks import endpoints, replaying
from apps.webhooks.errors import (
    DeliveryNotFound,
    EndpointNotEnabled,
    EndpointNotFound,
    EventGone,
    ReplayTooLarge,
)
from apps.webhooks.models import Endpoint, OutboxEvent
from tenlyr.core import clock
from tenlyr.core.errors import InvalidRequest
from tests import cast
from tests.webhooks.receiving import always, ok
from tests.webhooks.stage import Stage

HOUR = timedelta(hours=1)


def again(stage: Stage, endpoint: Endpoint, **more: Any) -> int:
    """Replay the last hour."""
    now = clock.now()
    given: dict[str, Any] = {"since": now - HOUR, "until": now + HOUR, **more}
    return replaying.replay(workspace_id=stage.id, endpoint_id=endpoint.id, **given)


def test_a_range_is_sent_again_as_the_same_events_in_their_order(stage: Stage) -> None:
    endpoint, receiver = stage.listen(is_ordered=True)
    sent = stage.emit(5)
    stage.pump()
    assert again(stage, endpoint) == 5
    stage.pump()
    assert receiver.ids == sent * 2
    assert len({one.body for one in receiver.got}) == 5
    assert again(stage, endpoint) == 5  # as often as somebody asks


def test_only_what_was_never_accepted(stage: Stage) -> None:
    endpoint, receiver = stage.listen(always(410), events=["tenant.suspended"])
    stage.emit(3)
    stage.pump()
    endpoints.change(workspace_id=stage.id, endpoint_id=endpoint.id, status="enabled")
    receiver.answer = ok
    missed = stage.emit(2)
    stage.pump()
    assert again(stage, endpoint, only_undelivered=True) == 3
    stage.pump()
    assert again(stage, endpoint, only_undelivered=True) == 0
    assert {*receiver.ids} >= {*missed}
    assert again(stage, endpoint, types=["tenant.deleted"]) == 0


def test_an_endpoint_may_ask_for_what_was_before_it(stage: Stage) -> None:
    sent = stage.emit(2)
    stage.pump()
    endpoint, receiver = stage.listen()
    assert again(stage, endpoint) == 2
    stage.pump()
    assert sorted(receiver.ids) == sorted(sent)


def test_a_range_that_holds_too_much_replays_nothing(stage: Stage, monkeypatch: Any) -> None:
    monkeypatch.setattr(replaying, "MOST", 3)
    endpoint, _ = stage.listen()
    stage.emit(4)
    with pytest.raises(ReplayTooLarge):
        again(stage, endpoint)
    assert stage.deliveries(replay__gt=0).count() == 0


def test_ranges_that_make_no_sense_are_refused(stage: Stage) -> None:
    endpoint, _ = stage.listen()
    now = clock.now()
    for since, until in ((now, now), (now - timedelta(days=200), now)):
        with pytest.raises(InvalidRequest):
            again(stage, endpoint, since=since, until=until)


def test_a_delivery_that_failed_is_sent_when_somebody_asks(stage: Stage) -> None:
    _, receiver = stage.listen(always(500))
    stage.emit()
    stage.pump()
    waiting = stage.deliveries().get()
    replaying.retry(workspace_id=stage.id, delivery_id=waiting.id)
    assert stage.pump() == 1  # sooner than its time
    stage.deliveries().update(status="failed", next_at=None, failures=14)
    receiver.answer = ok
    assert replaying.retry(workspace_id=stage.id, delivery_id=waiting.id).status == "pending"
    stage.pump()
    delivery = stage.deliveries().get()
    assert (delivery.status, delivery.failures, delivery.attempts) == ("delivered", 0, 3)


def test_what_cannot_be_sent_again_says_why(stage: Stage) -> None:
    endpoint, _ = stage.listen()
    stage.emit()
    stage.pump()
    which: dict[str, Any] = {"workspace_id": stage.id, "delivery_id": stage.deliveries().get().id}
    with pytest.raises(DeliveryNotFound):
        replaying.retry(**{**which, "workspace_id": cast.workspace().id})
    endpoints.change(workspace_id=stage.id, endpoint_id=endpoint.id, status="paused")
    with pytest.raises(EndpointNotEnabled):
        replaying.retry(**which)
    endpoints.change(workspace_id=stage.id, endpoint_id=endpoint.id, status="enabled")
    OutboxEvent.objects.filter(workspace_id=stage.id).delete()
    with pytest.raises(EventGone):
        replaying.retry(**which)
    endpoints.delete(workspace_id=stage.id, endpoint_id=endpoint.id)
    with pytest.raises(EndpointNotFound):
        replaying.retry(**which)


def test_a_test_goes_to_its_endpoint_alone_and_once(stage: Stage) -> None:
    endpoint, receiver = stage.listen(always(500))
    _, other = stage.listen()
    replaying.send_test(workspace_id=stage.id, endpoint_id=endpoint.id)
    assert stage.pump() == 1
    assert receiver.got[0].event["type"] == "webhook.test"
    assert other.got == []
    stage.pass_time(timedelta(days=1))
    assert stage.pump() == 0
    assert stage.deliveries().get().status == "failed"
