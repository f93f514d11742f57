"""Who sends, and what happens when it dies or loses its seat (R8, F32)."""

from datetime import datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.db.models import F

from apps.webhooks import fanning, finishing, pumping, queueing, seats
from apps.webhooks.models import Endpoint, Seat
from tenlyr.core import clock
from tests.core.threads import BOUND_S, together
from tests.webhooks.receiving import always
from tests.webhooks.stage import BUDGET_S, Stage


@pytest.fixture(autouse=True)
def _seats_are_held_for_long(monkeypatch: Any) -> None:
    """However slow the machine is, no seat is lost but by `expire`."""
    monkeypatch.setattr(seats, "HELD_FOR", timedelta(hours=1))


def expire() -> None:
    """Let the time of every seat pass."""
    Seat.objects.update(until=clock.now().replace(year=2000))


def begun_by_the_dead(stage: Stage, count: int = 5) -> seats.Held:
    """A pump that began as many deliveries, and was killed before it knew how they ended."""
    seat = seats.take()
    assert seat is not None
    fanning.fan_out()
    known = {one.id: one for one in Endpoint.objects.filter(workspace_id=stage.id)}
    with transaction.atomic():
        jobs = queueing.begin(dict.fromkeys(known, count), known, [], clock.now())
    assert len(jobs) == count * len(known)
    return seat


@pytest.fixture
def looks(monkeypatch: Any) -> list[None]:
    """As many as there were looks for work."""
    seen: list[None] = []

    def waiting() -> dict[UUID, datetime]:
        seen.append(None)
        return look()

    look = queueing.waiting
    monkeypatch.setattr(queueing, "waiting", waiting)
    return seen


def test_without_work_it_looks_twice_and_goes(stage: Stage, looks: list[None]) -> None:
    stage.listen()
    assert pumping.pump(BUDGET_S) == 0
    assert len(looks) == pumping.IDLE_LOOKS == 2


def test_after_work_it_looks_on_for_what_follows(
    stage: Stage, looks: list[None], monkeypatch: Any
) -> None:
    """An event that comes later is sent without a second call, at one of the quick looks."""
    _, receiver = stage.listen()
    first = stage.emit()
    later: list[str] = []

    def record(*given: Any) -> None:
        done(*given)
        if receiver.ids == first and not later:
            later.extend(stage.emit())

    done = finishing.record
    monkeypatch.setattr(finishing, "record", record)
    assert pumping.pump(BUDGET_S) == 2
    assert receiver.ids == [*first, *later]
    assert len(looks) > pumping.IDLE_LOOKS


def test_what_was_begun_for_one_that_was_disabled_just_then_is_put_back(
    stage: Stage, monkeypatch: Any
) -> None:
    """One round disables it, begins its next delivery, and sees that it is not enabled."""
    for name, value in (("LOOK_S", 0), ("IDLE_S", 0), ("LOOK_SHARE", 1)):
        monkeypatch.setattr(pumping, name, value)  # every round looks
    endpoint, receiver = stage.listen(always(410), is_ordered=True, events=["tenant.suspended"])
    first, second = stage.emit(2)
    assert stage.pump() == 1
    assert receiver.ids == [first]
    assert Endpoint.objects.get(id=endpoint.id).status == "disabled"
    waiting = stage.deliveries(event_id=second).get()
    assert (waiting.status, waiting.attempts) == ("pending", 0)


def test_what_the_dead_had_begun_is_sent_by_the_next(stage: Stage) -> None:
    _, receiver = stage.listen()
    sent = stage.emit(5)
    begun_by_the_dead(stage)
    assert stage.pump() == 0  # the seat is not free yet
    expire()
    assert stage.pump() == 5
    assert sorted(receiver.ids) == sorted(sent)
    outcomes = [(one.number, one.outcome) for one in stage.attempts()]
    assert sorted(outcomes) == [(1, "interrupted")] * 5 + [(2, "accepted")] * 5


def test_an_attempt_that_was_cut_off_costs_none_of_the_schedule(stage: Stage) -> None:
    stage.listen()
    stage.emit()
    begun_by_the_dead(stage, 1)
    expire()
    stage.pump()
    delivery = stage.deliveries().get()
    assert (delivery.attempts, delivery.failures, delivery.status) == (2, 0, "delivered")


def test_who_lost_its_seat_writes_nothing(stage: Stage) -> None:
    dead = begun_by_the_dead(stage, 0)
    expire()
    heir = seats.take()
    assert heir is not None
    with pytest.raises(seats.SeatLost):
        dead.hold()
    dead.leave()  # not its own any more: it frees nothing
    heir.hold()
    assert seats.take() is None
    heir.leave()


def test_of_many_that_come_at_once_one_gets_the_seat(stage: Stage) -> None:
    Seat.objects.all().delete()
    taken = [seat for seat in together([seats.take] * 8) if seat is not None]
    assert len(taken) == 1
    taken[0].leave()


def test_several_seats_share_the_endpoints(stage: Stage, settings: Any, monkeypatch: Any) -> None:
    settings.WEBHOOK_PUMPS = 2
    # One that finds nothing in its seat is soon gone: the other must have its own by then.
    both_sit = Barrier(2)

    def take() -> seats.Held | None:
        seat = taking()
        both_sit.wait(BOUND_S)
        return seat

    taking = seats.take
    monkeypatch.setattr(seats, "take", take)
    receivers = [stage.listen()[1] for _ in range(4)]
    sent = stage.emit(20)
    fanning.fan_out()
    posts = together([lambda: pumping.pump(BUDGET_S, stays=False)] * 2)
    assert sum(posts) == 80
    for receiver in receivers:
        assert sorted(receiver.ids) == sorted(sent)
    Seat.objects.all().delete()


def test_a_pump_that_is_told_to_stop_leaves_nothing_begun(stage: Stage) -> None:
    stage.listen()
    stage.emit(10)
    assert pumping.pump(BUDGET_S, should_stop=lambda: True) == 0
    assert not stage.deliveries(attempts__gt=F("failures")).exists()
    assert seats.take() is not None
    Seat.objects.all().delete()


def test_an_endpoint_whose_secret_cannot_be_opened_holds_up_nobody(stage: Stage) -> None:
    broken, unheard = stage.listen()
    _, good = stage.listen()
    Endpoint.objects.filter(id=broken.id).update(secret=b"of another installation")
    stage.emit(3)
    stage.pump()
    assert (len(unheard.got), len(good.got)) == (0, 3)
    said = {one.reason for one in stage.attempts(outcome="blocked")}
    assert said == {"It could not be signed: rotate the endpoint's secret."}
