"""How a pump shares its sending out: a slow or dead receiver holds up nobody but itself (F30).

All of it is the memory of one process, about the endpoints that fall to its seat.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.webhooks.models import Endpoint

# POSTs under way at once: to one endpoint, to all that are slow or failing, and to the others.
MOST_EACH, MOST_OF_SLOW, MOST_OF_OTHERS = 2, 20, 80
# A quick one's next deliveries are begun ahead: writing down one at a time would be its bound.
AHEAD = 24
QUICK_MS, SLOW_MS = 100.0, 1_000.0
# How much the newest latency counts.
WEIGHT = 0.3
# After so many failures on end it is asked less and less often, 30 s apart at most.
PATIENCE, SHORTEST_REST_S, LONGEST_REST_S = 8, 0.25, 30.0

# Endpoints that are remembered though nothing waits for them.
MOST_KNOWN = 2_000


@dataclass(frozen=True, slots=True)
class Job:
    """A delivery that is begun: its attempt is written down. Without `data` its event is gone."""

    id: UUID
    event_at: datetime
    endpoint_id: UUID
    event_id: str
    number: int
    failures: int
    first_at: datetime
    is_test: bool
    attempt_id: UUID
    at: datetime
    type: str | None
    created_at: datetime | None
    data: str | None

    @classmethod
    def read(cls, row: tuple[Any, ...], at: datetime) -> "Job":
        """A row of `claim.sql`."""
        return cls(*(*row[:9], at, *row[9:]))


@dataclass(slots=True)
class Receiver:
    """One endpoint, as this process knows it."""

    endpoint: Endpoint
    failures: int = 0
    streak: int = 0
    latency_ms: float | None = None
    is_open: bool = True
    rests_until: float = 0.0
    begun: deque[Job] = field(default_factory=deque)
    sending: dict[UUID, Job] = field(default_factory=dict)

    @property
    def is_slow(self) -> bool:
        """Slow or failing: it may take a small part of the sending only."""
        return bool(self.failures) or (self.latency_ms or 0.0) > SLOW_MS

    @property
    def is_quick(self) -> bool:
        """So quick that what is begun ahead will soon be sent."""
        return not self.failures and self.latency_ms is not None and self.latency_ms < QUICK_MS

    @property
    def busy(self) -> int:
        """Deliveries that are begun and not ended."""
        return len(self.begun) + len(self.sending)

    def room(self, now: float) -> int:
        """How many more may begin."""
        if not self.is_open or now < self.rests_until:
            return 0
        if self.failures:
            return 1 - self.busy
        # The longer it takes all that comes, the more is begun ahead.
        most = min(AHEAD, MOST_EACH + self.streak) if self.is_quick else MOST_EACH
        return most - self.busy

    def ended(self, job: Job, latency_ms: float, now: float, *, is_accepted: bool) -> None:
        """Learn from an answer, or from its want."""
        self.sending.pop(job.id, None)
        before = latency_ms if self.latency_ms is None else self.latency_ms
        self.latency_ms = before + WEIGHT * (latency_ms - before)
        self.failures = 0 if is_accepted else self.failures + 1
        self.streak = self.streak + 1 if is_accepted else 0
        over = self.failures - PATIENCE
        rest_s = min(SHORTEST_REST_S * 2 ** min(over, 16), LONGEST_REST_S) if over >= 0 else 0.0
        self.rests_until = now + rest_s


class Receivers:
    """All endpoints that have work, and whose turn it is."""

    def __init__(self) -> None:
        self.known: dict[UUID, Receiver] = {}
        # Whose turn it was last: among the slow and failing, and among the others.
        self._last: dict[bool, UUID | None] = {True: None, False: None}

    def refresh(self, endpoints: Iterable[Endpoint]) -> None:
        """Take over how they are configured now; to those that are not there nothing is sent."""
        found = {endpoint.id: endpoint for endpoint in endpoints}
        for one, endpoint in found.items():
            if one not in self.known:
                self.known[one] = Receiver(endpoint, int(endpoint.failing_since is not None))
            self.known[one].endpoint = endpoint
        for one, receiver in list(self.known.items()):
            receiver.is_open = one in found
            if not receiver.busy and (not receiver.is_open or len(self.known) > MOST_KNOWN):
                del self.known[one]

    def rooms(self, due: Iterable[UUID], now: float | None = None) -> dict[UUID, int]:
        """How many deliveries each of these may begin. Where not all can, the next ones are first
        the next time.
        """
        moment = time.monotonic() if now is None else now
        found = sorted(one for one in due if one in self.known)
        rooms: dict[UUID, int] = {}
        for is_slow, most in ((False, MOST_OF_OTHERS), (True, MOST_OF_SLOW)):
            lane = [one for one in found if self.known[one].is_slow is is_slow]
            free = most - self.under_way(is_slow=is_slow)
            for one in _beginning_after(self._last[is_slow], lane):
                room, taken = self._room(self.known[one], free, moment)
                if room > 0:
                    rooms[one] = room
                    free -= taken
                    self._last[is_slow] = one
        return rooms

    def begin(self, jobs: Iterable[Job]) -> None:
        """Put what was begun behind what its endpoint has begun already."""
        for job in jobs:
            self.known[job.endpoint_id].begun.append(job)

    def startable(self) -> Iterator[tuple[Receiver, Job]]:
        """What may be sent now; each is under way from here on. To one that is not enabled any
        more nothing is sent: what was begun for it is surplus.
        """
        for receiver in self.known.values():
            while receiver.is_open and receiver.begun and len(receiver.sending) < MOST_EACH:
                job = receiver.begun.popleft()
                receiver.sending[job.id] = job
                yield receiver, job

    def surplus(self, *, everything: bool = False) -> list[Job]:
        """Begun ahead for whom it turned out not to be quick, or for all: to be put back."""
        back: list[Job] = []
        for receiver in self.known.values():
            if everything or not receiver.is_quick or not receiver.is_open:
                back += receiver.begun
                receiver.begun.clear()
        return back

    @property
    def busy(self) -> list[UUID]:
        """Deliveries that are begun and not ended."""
        return [job.id for it in self.known.values() for job in (*it.begun, *it.sending.values())]

    def under_way(self, *, is_slow: bool) -> int:
        """POSTs that are under way, or about to be, to the slow and failing or to the others."""
        lane = (one for one in self.known.values() if one.is_slow is is_slow)
        return sum(min(one.busy, MOST_EACH) for one in lane)

    @staticmethod
    def _room(receiver: Receiver, free: int, moment: float) -> tuple[int, int]:
        """How many more may begin, and how many POSTs at once that means."""
        room = receiver.room(moment)
        slots = min(MOST_EACH - min(receiver.busy, MOST_EACH), free, room)
        if receiver.is_quick and (slots > 0 or receiver.busy >= MOST_EACH):
            return room, slots
        return slots, slots


def _beginning_after(last: UUID | None, order: list[UUID]) -> list[UUID]:
    start = next((n for n, one in enumerate(order) if last is not None and one > last), 0)
    return [*order[start:], *order[:start]]
