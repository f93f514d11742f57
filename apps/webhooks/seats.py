"""Seats of pumps: who holds one sends, and whoever lost it writes nothing more (R8).

An endpoint falls to one seat, so that how much is under way to it, and in which order, is known in
one process. By Postgres' clock: a seat that is not held on to is free after 5 s.
"""

from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings

from apps.webhooks import statements
from apps.webhooks.models import Seat

HELD_FOR = timedelta(seconds=5)
TAKE = """
UPDATE webhooks_seat SET holder = %(holder)s, until = clock_timestamp() + %(held)s
WHERE number = (
    SELECT number FROM webhooks_seat
    WHERE number < %(seats)s AND (holder IS NULL OR until < clock_timestamp())
    ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING number
"""
HOLD = """
UPDATE webhooks_seat SET until = clock_timestamp() + %(held)s
WHERE number = %(number)s AND holder = %(holder)s
"""


class SeatLost(Exception):
    """Somebody else sends now: this process was away for too long."""


class Held:
    """A seat that this process has."""

    def __init__(self, number: int, holder: UUID) -> None:
        self.number, self.holder, self.seats = number, holder, settings.WEBHOOK_PUMPS

    def has(self, endpoint_id: UUID) -> bool:
        """Whether the endpoint falls to this seat."""
        return endpoint_id.int % self.seats == self.number

    def hold(self) -> None:
        """Keep it, in the transaction whose writes depend on it. Raises `SeatLost`."""
        given = {"held": HELD_FOR, "holder": self.holder, "number": self.number}
        if not statements.run(HOLD, given):
            raise SeatLost(self.number)

    def leave(self) -> None:
        """Give it to whoever comes next."""
        Seat.objects.filter(number=self.number, holder=self.holder).update(holder=None, until=None)


def take() -> Held | None:
    """A free seat, or None when all are held."""
    seats, holder = settings.WEBHOOK_PUMPS, uuid4()
    given = {"held": HELD_FOR, "holder": holder, "seats": seats}
    found = statements.rows(TAKE, given)
    if not found and Seat.objects.filter(number__lt=seats).count() < seats:
        Seat.objects.bulk_create(map(Seat, range(seats)), ignore_conflicts=True)
        found = statements.rows(TAKE, given)
    return Held(found[0][0], holder) if found else None
