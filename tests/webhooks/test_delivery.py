"""From an event to its receivers: once for each, with the same bytes however often (R9, E5, E8)."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

from apps.webhooks import cancelling, endpoints, envelopes, fanning, schedule
from apps.webhooks.models import OutboxEvent
from tenlyr.core import clock
from tests.core.threads import together
from tests.webhooks.receiving import Got, always
from tests.webhooks.stage import Stage


def test_each_event_reaches_each_endpoint_that_wants_it_once(stage: Stage) -> None:
    _, everything = stage.listen()
    _, some = stage.listen(events=["tenant.suspended", "tenant.deleted"])
    _, other = stage.listen(events=["tenant.deleted"])
    sent = stage.emit(20)
    assert stage.pump() == 40
    assert sorted(everything.ids) == sorted(some.ids) == sorted(sent)
    assert other.got == []
    assert stage.pump() == 0
    assert {one.status for one in stage.deliveries()} == {"delivered"}


def test_the_envelope_is_whole(stage: Stage) -> None:
    _, receiver = stage.listen()
    [event_id] = stage.emit(words="über, ½ and 12.4", share=12.4)
    stage.pump()
    row = OutboxEvent.objects.get(id=event_id)
    assert receiver.got[0].event == {
        "id": event_id,
        "type": "tenant.suspended",
        "createdAt": clock.iso(row.created_at),
        "data": row.data,
    }
    assert receiver.got[0].headers["content-type"] == "application/json"


def test_data_that_is_too_long_is_cut_to_what_names_its_subject() -> None:
    data = {"tenantId": "x", "long": "y" * envelopes.MOST_BYTES}
    body = envelopes.body("evt_1", "tenant.suspended", clock.now(), data)
    assert len(body) < 1_000
    assert b'"data":{"tenantId":"x","isCut":true}' in body


def test_many_at_once_make_one_delivery_each(stage: Stage) -> None:
    stage.listen()
    sent = stage.emit(300)

    def fan_out() -> None:
        while OutboxEvent.objects.filter(workspace_id=stage.id, is_fanned_out=False).exists():
            fanning.fan_out(50)

    together([fan_out] * 4)
    made = list(stage.deliveries().order_by("turn").values_list("event_id", flat=True))
    assert made == sent


def test_the_same_bytes_at_every_attempt_until_it_is_taken(stage: Stage) -> None:
    answers = iter([500, 302, 404, 200])

    async def answer(_got: Got) -> int:
        return next(answers)

    _, receiver = stage.listen(answer)
    stage.emit(words="ä")
    for delay in schedule.DELAYS[:4]:
        stage.pump()
        stage.pass_time(delay)
    assert len({one.body for one in receiver.got}) == len(set(receiver.ids)) == 1
    log = [(one.number, one.outcome, one.status) for one in stage.attempts()]
    assert log == [
        (1, "refused", 500),
        (2, "redirect_refused", 302),
        (3, "refused", 404),
        (4, "accepted", 200),
    ]
    assert stage.attempts()[3].response == "answer 4"
    assert stage.deliveries().get().status == "delivered"


def test_what_is_never_taken_is_tried_for_72_hours_and_failed(stage: Stage) -> None:
    stage.listen(always(503), events=["tenant.suspended"])
    stage.emit()
    stage.pump()
    for delay in schedule.DELAYS:
        if delay >= timedelta(seconds=30):
            # A fifth earlier at the most: half-way, nothing is due.
            stage.pass_time(delay / 2)
            assert stage.pump() == 0
            stage.pass_time(-delay / 2)
        stage.pass_time(delay)
        assert stage.pump() == 1
    assert stage.deliveries().get().status == "failed"
    stage.pass_time(timedelta(days=30))
    assert stage.pump() == 0
    assert [one.number for one in stage.attempts()] == list(range(1, 15))


def test_order_is_kept_per_tenant_through_failures(stage: Stage) -> None:
    refusals = [True, True]
    stuck: list[str] = []

    async def answer(got: Got) -> int:
        return 500 if got.event_id in stuck and refusals and refusals.pop() else 200

    _, receiver = stage.listen(answer, is_ordered=True)
    one, two = uuid4(), uuid4()
    first, other = stage.emit(6, one), stage.emit(3, two)
    stuck.append(first[2])
    stage.pump()
    assert receiver.ids.count(first[2]) == 1
    assert set(receiver.ids) == {*first[:3], *other}
    later = stage.emit(2, one)
    stage.pass_time(schedule.DELAYS[0])
    stage.pump()
    assert receiver.ids[-1] == first[2]
    stage.pass_time(schedule.DELAYS[1])
    stage.pump()
    mine = [event_id for event_id in receiver.ids if event_id not in other]
    assert mine == [*first[:3], first[2], first[2], *first[3:], *later]
    assert [event_id for event_id in receiver.ids if event_id in other] == other


def test_a_slow_one_does_not_hold_up_a_good_one(stage: Stage) -> None:
    """The slow one answers only when the good one has all of its own."""
    _, good = stage.listen()

    async def answer(_got: Got) -> int:
        while len(good.got) < 10:
            await asyncio.sleep(0.01)
        return 200

    _, slow = stage.listen(answer)
    stage.emit(10)
    assert stage.pump() == 20
    assert {one.outcome for one in stage.attempts()} == {"accepted"}
    assert slow.most <= 2


def test_a_paused_endpoint_is_sent_what_it_missed_and_a_deleted_one_is_not(stage: Stage) -> None:
    paused, receiver = stage.listen()
    gone, other = stage.listen()
    which: dict[str, Any] = {"workspace_id": stage.id, "endpoint_id": paused.id}
    endpoints.change(**which, status="paused")
    sent = stage.emit(3)
    fanning.fan_out()
    endpoints.delete(workspace_id=stage.id, endpoint_id=gone.id)
    assert stage.pump() == 0
    assert cancelling.sweep() >= 3
    endpoints.change(**which, status="enabled")
    assert stage.pump() == 3
    assert sorted(receiver.ids) == sorted(sent)
    assert other.got == []
    assert {one.status for one in stage.deliveries(endpoint_id=gone.id)} == {"cancelled"}


def test_an_event_that_was_purged_is_not_sent(stage: Stage) -> None:
    _, receiver = stage.listen()
    [gone, kept] = stage.emit(2)
    fanning.fan_out()
    OutboxEvent.objects.filter(id=gone).delete()
    stage.pump()
    assert receiver.ids == [kept]
    assert stage.deliveries(event_id=gone).get().status == "cancelled"


def test_the_log_shows_no_signature(stage: Stage) -> None:
    _, receiver = stage.listen()
    stage.emit()
    stage.pump()
    kept, sent = stage.attempts().get().headers, receiver.got[0].headers
    assert kept["webhook-id"] == sent["webhook-id"]
    for name in ("Tenlyr-Signature", "webhook-signature"):
        assert kept[name].endswith("…")
        assert len(kept[name]) < len(sent[name.lower()]) - 20
