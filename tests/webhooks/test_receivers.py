"""How a pump shares its sending out, by counting slots (F30)."""

from collections import Counter
from itertools import pairwise
from uuid import UUID

import pytest

from apps.webhooks import receivers
from apps.webhooks.models import Endpoint
from apps.webhooks.receivers import (
    AHEAD,
    MOST_EACH,
    MOST_OF_OTHERS,
    MOST_OF_SLOW,
    Job,
    Receivers,
)
from tenlyr.core import clock, ids


def endpoints(count: int, *, is_failing: bool = False) -> list[Endpoint]:
    """Endpoints that nobody saved."""
    since = clock.now() if is_failing else None
    return [Endpoint(url="https://example.com", failing_since=since) for _ in range(count)]


def job(endpoint_id: UUID) -> Job:
    """A delivery to it that is begun."""
    now = clock.now()
    head = (ids.uuid7(), now, endpoint_id, ids.event_id(), 1, 0, now, False, ids.uuid7())
    return Job.read((*head, "tenant.suspended", now, "{}"), now)


def begun(known: Receivers, due: list[UUID], now: float = 0.0) -> Counter[UUID]:
    """Begin and start all that there is room for; how many of each."""
    rooms = known.rooms(due, now)
    known.begin(job(one) for one, room in rooms.items() for _ in range(room))
    list(known.startable())
    return Counter(rooms)


def end(known: Receivers, one: UUID, *, latency_ms: float = 5.0, is_ok: bool = True) -> None:
    """All that is under way to it ends."""
    receiver = known.known[one]
    for sent in list(receiver.sending.values()):
        receiver.ended(sent, latency_ms, 0.0, is_accepted=is_ok)


@pytest.fixture
def known() -> Receivers:
    """Nobody yet."""
    return Receivers()


def test_one_has_two_under_way_and_all_together_as_many_as_there_may_be(known: Receivers) -> None:
    made = endpoints(80)
    known.refresh(made)
    started = begun(known, [one.id for one in made])
    assert set(started.values()) == {MOST_EACH}
    assert len(started) == MOST_OF_OTHERS // MOST_EACH
    assert known.under_way(is_slow=False) == MOST_OF_OTHERS
    assert begun(known, [one.id for one in made]) == {}


def test_those_who_were_left_out_are_next(known: Receivers) -> None:
    made = endpoints(80)
    known.refresh(made)
    due = [one.id for one in made]
    served: Counter[UUID] = Counter()
    for _ in range(2):
        started = begun(known, due)
        served += started
        for one in started:
            # Not so quick that it would get more at once.
            end(known, one, latency_ms=500)
    assert set(served.values()) == {MOST_EACH}
    assert len(served) == 80


def test_dead_ones_take_a_part_only_however_many_they_are(known: Receivers) -> None:
    dead, good = endpoints(300, is_failing=True), endpoints(30)
    known.refresh([*dead, *good])
    started = begun(known, [one.id for one in (*dead, *good)])
    assert sum(started[one.id] for one in dead) == MOST_OF_SLOW
    assert all(started[one.id] == MOST_EACH for one in good)


def test_slow_ones_count_as_dead_ones_do(known: Receivers) -> None:
    slow = endpoints(40)
    known.refresh(slow)
    due = [one.id for one in slow]
    for one in begun(known, due):
        end(known, one, latency_ms=4_900)
    assert sum(begun(known, due).values()) == MOST_OF_SLOW


def test_a_quick_one_is_begun_ahead_until_it_fails(known: Receivers) -> None:
    [one] = endpoints(1)
    known.refresh([one])
    ahead = []
    for _ in range(12):
        ahead.append(begun(known, [one.id])[one.id])
        known.surplus(everything=True)
        end(known, one.id)
    assert ahead[0] == MOST_EACH
    assert ahead == sorted(ahead)
    assert ahead[-1] == AHEAD
    begun(known, [one.id])
    assert known.under_way(is_slow=False) == MOST_EACH
    end(known, one.id, is_ok=False)
    assert len(known.surplus()) == AHEAD - MOST_EACH
    assert known.busy == []
    assert begun(known, [one.id]) == {one.id: 1}


def test_who_fails_on_end_is_asked_less_and_less_often(known: Receivers) -> None:
    [one] = endpoints(1)
    known.refresh([one])
    now, pauses = 0.0, []
    for _ in range(40):
        while not begun(known, [one.id], now):
            now += receivers.SHORTEST_REST_S
        pauses.append(now)
        receiver = known.known[one.id]
        for sent in list(receiver.sending.values()):
            receiver.ended(sent, 5.0, now, is_accepted=False)
    rests = [after - before for before, after in pairwise(pauses)]
    assert rests == sorted(rests)
    assert rests[0] == 0.0
    assert rests[-1] == receivers.LONGEST_REST_S


def test_one_success_and_all_is_forgotten(known: Receivers) -> None:
    [one] = endpoints(1, is_failing=True)
    known.refresh([one])
    for is_ok in (False, False, True):
        begun(known, [one.id])
        end(known, one.id, is_ok=is_ok)
    assert begun(known, [one.id]) == {one.id: MOST_EACH + 1}


def test_who_was_closed_meanwhile_gets_nothing_more(known: Receivers) -> None:
    [one] = endpoints(1)
    known.refresh([one])
    known.begin(job(one.id) for _ in range(5))
    list(known.startable())
    known.refresh([])
    assert len(known.surplus()) == 5 - MOST_EACH
    assert known.rooms([one.id], 0.0) == {}
    end(known, one.id)
    known.refresh([])
    assert known.known == {}
