"""A month that a row lacks is made for it: no event is refused because its schema is new."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connections
from msgspec.structs import replace

from apps.isolation.public import Location, fleet, group
from apps.metering import months, partitions, periods
from apps.metering.public import Consumer
from apps.metering.stream import NOBODY, Entry
from tenlyr.core import clock
from tests.cast import Customer
from tests.core.threads import together
from tests.metering import support
from tests.metering.stored import consume, entries, events, sums, track

OLDEST = timedelta(days=35) - timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _open() -> None:
    """Tracking is open, and nothing waits from before."""
    consume()


@pytest.fixture
def bare(globex: Customer) -> Customer:
    """A tenant whose schema is as it was built: without any month."""
    place = place_of(globex)
    with connections["owner"].cursor() as cursor:
        for parent, month in partitions.of_location(place):
            cursor.execute(f'DROP TABLE "{place.schema}".{parent}_{month.name}')
    assert partitions.of_location(place) == set()
    return globex


def place_of(customer: Customer) -> Location:
    """Where the customer's rows are."""
    (place,) = group([customer.id])
    return place


def drain() -> None:
    """Store all that waits, making no month beforehand."""
    consumer = Consumer()
    try:
        consumer.drain()
    finally:
        consumer.leases.leave()


def old(age: timedelta = OLDEST) -> dict[str, str]:
    """The field of an event that is so old."""
    return {"timestamp": clock.iso(clock.now() - age)}


def test_the_oldest_event_that_is_accepted_is_stored_in_a_new_schema(
    bare: Customer, acme: Customer
) -> None:
    told = [track(bare, **old()), track(bare, latencyMs=3), track(acme, **old())]
    drain()
    assert [str(row.id) for row in events(bare)] == [told[0]["id"], told[1]["id"]]
    assert [str(row.id) for row in events(acme)] == [told[2]["id"]]
    assert sums(bare)["minute"] == sums(bare)["month"] == (2, 0, Decimal(2))
    assert support.dead_letters(bare.id) == support.dead_letters(acme.id) == []


def test_only_what_is_needed_is_made(bare: Customer) -> None:
    track(bare, **old())
    drain()
    then = periods.of(clock.now() - OLDEST)
    assert partitions.of_location(place_of(bare)) == {(one, then) for one in partitions.PARENTS}


def test_months_pass_while_nobody_stores(bare: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event was old when it came, and the consumer was away for long."""
    track(bare, **old())
    waiting = entries(bare)
    then = periods.of(clock.now() - OLDEST)
    later = clock.now() + timedelta(days=90)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert months.make_for(waiting) == 2
    assert partitions.of_location(place_of(bare)) == {(one, then) for one in partitions.PARENTS}


def test_what_is_there_is_not_made_again(bare: Customer) -> None:
    track(bare)
    waiting = entries(bare)
    assert [months.make_for(waiting) for _ in range(2)] == [2, 0]


def test_two_that_need_a_month_at_once_make_it_once(bare: Customer) -> None:
    track(bare)
    track(bare, **old())
    waiting = entries(bare)
    made = together([lambda: months.make_for(waiting)] * 4)
    assert sum(made) == len(partitions.of_location(place_of(bare)))


def test_a_month_so_made_is_fenced_like_its_parent(bare: Customer) -> None:
    track(bare)
    drain()
    with fleet(place_of(bare)) as scope, scope.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), bool_and(relrowsecurity AND relforcerowsecurity AND relacl IS NULL)"
            " FROM pg_class WHERE relispartition AND relkind = 'r'"
            " AND relnamespace = current_schema::regnamespace"
        )
        assert cursor.fetchone() == (2, True)


def test_an_entry_that_cannot_be_read_makes_none(bare: Customer) -> None:
    track(bare)
    (entry,) = entries(bare)
    assert months.make_for([replace(entry, damage="cut")]) == 0
    assert months.make_for([replace(entry, rows=entry.rows[:-1])]) == 0


def test_a_moment_that_no_event_can_have_makes_none(bare: Customer) -> None:
    track(bare)
    (entry,) = entries(bare)
    for moment in (0, 2**62):
        assert months.make_for([at(entry, moment)]) == 0


def at(entry: Entry, moment: int) -> Entry:
    """The entry with another moment in its row: the third column, of eight bytes."""
    return replace(entry, rows=entry.rows[:46] + moment.to_bytes(8) + entry.rows[54:])


def test_nobody_is_left_for_an_entry_of_a_tenant_that_is_gone(bare: Customer) -> None:
    track(bare)
    (entry,) = entries(bare)
    stranger = entry.rows[:6] + bytes(16) + entry.rows[22:]
    assert months.make_for([replace(entry, tenant_id=NOBODY, rows=stranger)]) == 0
