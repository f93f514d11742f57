"""The pump: one process that sends what is due, until nothing is or its time is over (R9, F30-F32).

One event loop has all POSTs under way; one thread beside it has the database, and does all that
gathered meanwhile in one transaction. Whatever was begun and has no result when a process dies is
sent again by the next one, with the same id and the same bytes.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import OperationalError, transaction

from apps.webhooks import fanning, finishing, partitions, queueing, seats, sending, statements
from apps.webhooks.models import Endpoint, OutboxEvent
from apps.webhooks.receivers import Job, Receiver, Receivers
from apps.webhooks.sending import Sent
from tenlyr.core import clock, tasks

log = structlog.get_logger(__name__)

BUDGET_S = 30.0
# Between two looks for work, and between two while there is none.
LOOK_S, IDLE_S = 0.02, 0.2
# Looks take at most this share of the time.
LOOK_SHARE = 0.1
# How long a pump stays for what is due soon, and for what may follow.
SOON, LINGER_S = timedelta(seconds=6), 1.0
# So many looks on end must find nothing: the first shows what is due, the next ones send it.
IDLE_LOOKS = 2
# A database that is away may come back: what was sent meanwhile is not forgotten.
PATIENCE_S, RETRY_S = 10.0, 0.25


@dataclass(slots=True)
class Errand:
    """What the database has to do next."""

    ended: list[Sent]
    back: list[Job]
    rooms: dict[UUID, int]
    endpoints: dict[UUID, Endpoint]
    busy: list[UUID]
    known: list[UUID]
    is_look: bool


@dataclass(slots=True)
class News:
    """What it answered; the last three only after a look."""

    jobs: list[Job]
    now: datetime
    events: int = 0
    waiting: dict[UUID, datetime] = field(default_factory=dict)
    endpoints: list[Endpoint] = field(default_factory=list)
    took_s: float = 0.0


def pump(
    budget_s: float = BUDGET_S,
    should_stop: Callable[[], bool] = lambda: False,
    *,
    stays: bool = True,
) -> int:
    """Send what is due, unless every seat is taken; answers how many POSTs were made.

    Ends after `budget_s` seconds, or when nothing is due; with `stays` it waits a little for what
    is due soon. An event that was there when a call found the seat taken is seen by who has it.
    """
    sent = 0
    while (seat := seats.take()) is not None:
        run = Pump(seat, budget_s, should_stop, stays=stays)
        try:
            asyncio.run(run.run())
        except seats.SeatLost:
            log.warning("webhooks.seat_lost", seat=seat.number)
        finally:
            seat.leave()
        sent += run.sent
        if run.is_unfinished and not should_stop():
            with transaction.atomic():
                tasks.after_commit("webhooks.pump")
        if run.is_unfinished or not OutboxEvent.objects.filter(is_fanned_out=False).exists():
            break
    return sent


class Pump:
    """One run in one seat."""

    def __init__(
        self, seat: seats.Held, budget_s: float, should_stop: Callable[[], bool], *, stays: bool
    ) -> None:
        self.sent, self.is_unfinished = 0, False
        self._seat, self._should_stop, self._stays = seat, should_stop, stays
        self._end = time.monotonic() + budget_s
        self._receivers = Receivers()
        self._waiting: dict[UUID, datetime] = {}
        self._ended: list[Sent] = []
        self._posts: set[asyncio.Task[None]] = set()
        self._look_at = time.monotonic()
        self._active_at = self._look_at - LINGER_S
        self._idle_looks = 0

    async def run(self) -> None:
        """Work. Raises `SeatLost`, and `OperationalError` when the database stays away."""
        self._wake = asyncio.Event()
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, "webhooks-database") as database:
            try:
                await loop.run_in_executor(database, partitions.ensure)
                while self._goes_on():
                    if errand := self._errand():
                        self._take_in(errand, await self._do(database, errand))
                    await self._pause()
            finally:
                for post in self._posts:
                    post.cancel()
                await loop.run_in_executor(database, statements.hang_up)

    # ---- what to do next
    def _goes_on(self) -> bool:
        """Until nothing is due, or the time is over and all that is under way has ended."""
        if self._is_closing:
            self.is_unfinished = True
            return bool(self._posts or self._ended or self._receivers.busy)
        if self._posts or self._ended or self._receivers.busy or self._idle_looks < IDLE_LOOKS:
            return True
        if not self._stays:
            return False
        is_soon = any(at <= clock.now() + SOON for at in self._waiting.values())
        return is_soon or time.monotonic() < self._active_at + LINGER_S

    @property
    def _is_closing(self) -> bool:
        return time.monotonic() > self._end or self._should_stop()

    def _errand(self) -> Errand | None:
        now = clock.now()
        is_look = time.monotonic() >= self._look_at
        due = [one for one, at in self._waiting.items() if at <= now]
        if self._is_closing:
            # While a slow one is waited for, the quick ones go on.
            due = [] if self._is_last_round else [one for one in due if self._is_quick(one)]
        rooms = self._receivers.rooms(due)
        back = self._receivers.surplus(everything=self._is_closing and self._is_last_round)
        ended, self._ended = self._ended, []
        if not (ended or back or rooms or is_look):
            return None
        known = {one: self._receivers.known[one].endpoint for one in rooms}
        return Errand(
            ended, back, rooms, known, self._receivers.busy, list(self._receivers.known), is_look
        )

    @property
    def _is_last_round(self) -> bool:
        """Nobody slow is under way any more."""
        if self._should_stop():
            return True
        return all(one.is_quick for one in self._receivers.known.values() if one.sending)

    def _is_quick(self, endpoint_id: UUID) -> bool:
        receiver = self._receivers.known.get(endpoint_id)
        return receiver is not None and receiver.is_quick

    async def _pause(self) -> None:
        """Until a POST has ended, or it is time to look."""
        if self._ended:
            return
        rest_s = max(self._look_at - time.monotonic(), 0.0)
        try:
            await asyncio.wait_for(self._wake.wait(), rest_s)
        except TimeoutError:
            return
        self._wake.clear()

    # ---- the database
    async def _do(self, database: ThreadPoolExecutor, errand: Errand) -> News:
        """Run the errand; while the database is away, again and again for some seconds."""
        loop, end = asyncio.get_running_loop(), time.monotonic() + PATIENCE_S
        while True:
            try:
                return await loop.run_in_executor(database, self._done, errand)
            except OperationalError as error:
                if time.monotonic() > end:
                    raise
                log.warning("webhooks.database_away", reason=type(error).__name__)
                await loop.run_in_executor(database, statements.hang_up)
                await asyncio.sleep(RETRY_S)

    def _done(self, errand: Errand) -> News:
        """In the database's thread; touches nothing of the loop's."""
        now = clock.now()
        with transaction.atomic():
            self._seat.hold()
            finishing.record(errand.ended, now)
            finishing.put_back(errand.back)
            back = {job.id for job in errand.back}
            busy = [one for one in errand.busy if one not in back]
            jobs = queueing.begin(errand.rooms, errand.endpoints, busy, now)
            finishing.note_interrupted(jobs)
        news = News(jobs, now)
        return self._looked(news, errand.known) if errand.is_look else news

    def _looked(self, news: News, known: list[UUID]) -> News:
        news.events, _ = fanning.fan_out()
        began = time.monotonic()
        waiting = queueing.waiting()
        news.waiting = {one: at for one, at in waiting.items() if self._seat.has(one)}
        news.endpoints = list(
            Endpoint.objects.filter(id__in={*news.waiting, *known}, status=Endpoint.Status.ENABLED)
        )
        news.took_s = time.monotonic() - began
        return news

    # ---- what came of it
    def _take_in(self, errand: Errand, news: News) -> None:
        # First: the look may show that one of these endpoints is not there any more.
        self._receivers.begin(news.jobs)
        if errand.is_look:
            self._receivers.refresh(news.endpoints)
            enabled = {endpoint.id for endpoint in news.endpoints}
            self._waiting = {one: at for one, at in news.waiting.items() if one in enabled}
        begun: dict[UUID, int] = {}
        for job in news.jobs:
            begun[job.endpoint_id] = begun.get(job.endpoint_id, 0) + 1
        for one, room in errand.rooms.items():
            if begun.get(one, 0) < room and not errand.is_look:
                self._waiting.pop(one, None)  # nothing more of it is due until the next look
        is_active = bool(news.jobs or news.events or errand.ended)
        self._active_at = time.monotonic() if is_active else self._active_at
        self._idle_looks = 0 if is_active else self._idle_looks + errand.is_look
        if errand.is_look:
            is_idle = time.monotonic() > self._active_at + LINGER_S and self._stays
            rest_s = IDLE_S if is_idle else LOOK_S
            rest_s = max(rest_s, news.took_s * (1 / LOOK_SHARE - 1))
            self._look_at = time.monotonic() + (0.0 if news.events == fanning.MOST else rest_s)
        self._start()

    def _start(self) -> None:
        for receiver, job in self._receivers.startable():
            post = asyncio.create_task(self._post(receiver, job))
            self._posts.add(post)
            post.add_done_callback(self._over)

    async def _post(self, receiver: Receiver, job: Job) -> None:
        try:
            ended = await sending.send(receiver.endpoint, job)
        except Exception:  # a mistake of ours, with this one: the others go on
            log.exception("webhook.not_sent", delivery=str(job.id))
            ended = sending.failed(job, "It could not be sent: a fault on the sender's side.")
        reply = ended.reply
        self.sent += reply is not None
        self._ended.append(ended)
        receiver.ended(
            job,
            reply.latency_ms if reply else 0.0,
            time.monotonic(),
            is_accepted=reply is None or reply.is_accepted,
        )

    def _over(self, post: "asyncio.Task[None]") -> None:
        self._posts.discard(post)
        self._wake.set()
        if not (self._is_closing and self._is_last_round):
            self._start()
