"""The consumer: reads the shards it leases, stores what it read, lets go of it; for ever (F6, F7).

Any trouble makes it forget what it read and begin anew from what is unstored: there is one way
back.
"""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import structlog
from django.db import DatabaseError, InterfaceError, close_old_connections
from psycopg_pool import PoolTimeout

from apps.metering import months, partitions, rebuilding, storing, stream
from apps.metering.inserting import POISON
from apps.metering.leases import Leases
from apps.metering.storing import Stored
from apps.metering.stream import START, Entry, Position
from tenlyr.core import clock
from tenlyr.core.redis import RedisError

log = structlog.get_logger(__name__)

FLUSH_EVENTS = 2_000
FLUSH_S = 1.0
# Backlogged, a transaction takes this many events: each tenant has rollups of its own, and they
# cost less the more events share them. That is about a second, far below the statements' time-out.
MOST_EVENTS = 40_000
# What one read takes, of all shards: Redis answers nobody else meanwhile (a few milliseconds).
MOST_ENTRIES = 4_096
GATHER_S = 0.1
BLOCK_MS = 500
BEAT_S = 1.0
WAITING_S = 2.0
MINUTE_S = 60.0
HOUR_S = 3_600.0
PARTITIONS_S = 1.0
LONGEST_PAUSE_S = 5.0
STAGING_EVENTS = 20_000

TROUBLE = (RedisError, DatabaseError, InterfaceError, PoolTimeout)


class Consumer:
    """One consumer process's work; `stop` ends `run` after what is at hand is stored."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.leases = Leases()
        self._positions: dict[int, Position] = {}
        self._pending: list[Entry] = []
        self._pending_since = 0.0
        self._unproven: set[int] = set()
        # Not read for now: the store left some of their entries, for a database is away.
        self._waiting: set[int] = set()
        self._size = 1.0
        self._due: dict[str, float] = {}
        self._report = Stored()
        self._lag_ms = 0
        self._staged = 0

    def run(self) -> None:
        """Work until `stop` is set."""
        pause = 0.1
        while not self.stop.is_set():
            try:
                self.turn()
                pause = 0.1
            except TROUBLE as error:
                log.warning("metering.trouble", reason=f"{type(error).__name__}: {error}"[:300])
                self._forget()
                self.stop.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)
            finally:
                close_old_connections()
        self._finish()

    def turn(self) -> None:
        """One round: keep the leases, read, store when it is time."""
        if self._is_time("beat", BEAT_S):
            self._beat()
        if self._is_time("partitions", HOUR_S):
            # What is left is the task's: rows wait here.
            partitions.ensure_partitions(within_s=PARTITIONS_S)
        self._read()
        if self._must_flush():
            self._flush()
        elif self._pending:
            self.stop.wait(GATHER_S)

    def drain(self) -> int:
        """Store everything there is now, and answer how many events that was (tests, commands)."""
        stored = 0
        self._beat()
        while self._read(block_ms=0):
            stored += self._flush()
        return stored

    def _is_time(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if self._due.get(what, 0.0) > now:
            return False
        self._due[what] = now + every_s
        return True

    def _forget(self) -> None:
        self._pending = []
        self._positions = dict.fromkeys(self.leases.owned, START)
        self._unproven = set(self.leases.owned)
        self._waiting.clear()
        self._due.clear()

    def _finish(self) -> None:
        try:
            if self._pending:
                self._flush()
            self.leases.leave()
        except TROUBLE as error:
            # Nothing is lost: whoever leases these shards next begins with what is unstored.
            log.warning("metering.left_unfinished", reason=f"{type(error).__name__}: {error}"[:300])
        self._say()

    # ---- leases and trust
    def _beat(self) -> None:
        gained, lost = self.leases.renew()
        if lost:
            self._pending = [entry for entry in self._pending if entry.shard not in lost]
        for shard in lost:
            self._positions.pop(shard, None)
        self._positions.update(dict.fromkeys(gained, START))
        self._unproven = (self._unproven | gained) - lost
        if self._unproven:
            self._prove()
        self._mend()
        if self._is_time("waiting", WAITING_S):
            self._positions.update(dict.fromkeys(self._waiting & self.leases.owned, START))
            self._waiting.clear()
        if self._is_time("generations", MINUTE_S):
            for shard in self.leases.owned:
                stream.turn_over(shard)
        self._say()

    def _prove(self) -> None:
        """Whether Redis has all that Postgres knows of; one that lost data is not trusted."""
        marks = storing.marks_of(self._unproven)
        epochs = stream.epochs_of(self._unproven)
        for mark in marks:
            epoch = epochs.get(mark.shard)
            lost = epoch != mark.epoch or stream.last_added(mark.shard) < mark.position
            if epoch is not None and lost:
                log.error("metering.redis_lost_data", shard=mark.shard, stored=mark.position)
                stream.distrust([mark.shard])
        self._unproven = set()

    def _mend(self) -> None:
        """Rebuild the counters of shards that are not ready, once their streams are stored."""
        unready = self.leases.owned - stream.epochs_of(self.leases.owned).keys()
        if not unready:
            return
        if self._pending:
            self._flush()
        empty = {shard for shard in unready if stream.is_empty(shard)}
        if empty:
            rebuilding.rebuild(empty)
            self._positions.update(dict.fromkeys(empty, START))

    # ---- reading
    def _read(self, block_ms: int = BLOCK_MS) -> bool:
        """Read what there is room for, or wait for the first entry; answers whether any came."""
        if not self._positions:
            self.stop.wait(GATHER_S)
            return False
        before = len(self._pending)
        full = self._take(set(self._positions), 0 if before else block_ms)
        # Once all were asked, only those are asked again that may have more: what few of them hold
        # must not go in small parts because the others are empty.
        while full and self._room() >= len(full):
            full = self._take(full)
        if self._pending and not before:
            self._pending_since = time.monotonic()
        return len(self._pending) > before

    def _take(self, shards: AbstractSet[int], block_ms: int = 0) -> set[int]:
        """Read once; answers which of the shards may have more."""
        count = max(1, self._room() // len(shards))
        asked = {shard: self._positions[shard] for shard in shards}
        entries = stream.read(asked, count=count, block_ms=block_ms)
        if not entries:
            return set()
        self._positions.update((entry.shard, entry.position) for entry in entries)
        self._pending += entries
        # How large entries are lately, so that one read never brings far more than there is
        # room for.
        self._size = max(1.0, sum(entry.count for entry in entries) / len(entries))
        brought = Counter(entry.shard for entry in entries)
        return {shard for shard, many in brought.items() if many >= count}

    def _room(self) -> int:
        """How many entries one read may bring."""
        return min(int((MOST_EVENTS - self._events()) / self._size), MOST_ENTRIES)

    def _events(self) -> int:
        return sum(entry.count for entry in self._pending)

    def _must_flush(self) -> bool:
        if not self._pending:
            return False
        is_late = time.monotonic() - self._pending_since >= FLUSH_S
        return is_late or self._events() >= FLUSH_EVENTS

    # ---- storing
    def _flush(self) -> int:
        entries, self._pending = self._pending, []
        try:
            done = [storing.store(entries)]
        except POISON as error:
            made = months.make_for(entries)
            log.warning("metering.batch_refused", reason=str(error)[:300], months_made=made)
            done = _store_in_parts(entries)
        for part in done:
            self._let_go(part)
        self._note_waits(entries)
        return sum(part.events for part in done)

    def _let_go(self, done: Stored) -> None:
        stream.distrust(done.distrusted)
        for mark in done.marks:
            stream.finish(mark)
        for shard in done.waiting:
            self._positions.pop(shard, None)
        self._waiting |= done.waiting
        report = self._report
        report.events += done.events
        report.duplicates += done.duplicates
        report.discarded += done.discarded
        report.dead += done.dead
        self._staged += done.events + done.duplicates
        if self._staged > STAGING_EVENTS:
            self._staged = 0
            storing.empty_staging()

    def _note_waits(self, entries: Sequence[Entry]) -> None:
        now = clock.epoch_ms()
        oldest: dict[int, int] = {}
        for entry in entries:
            oldest.setdefault(entry.shard, entry.position[0])
        for shard, since in oldest.items():
            if now - since > stream.STALL_MS:
                stream.note_stall(shard)
        self._lag_ms = max(self._lag_ms, now - min(oldest.values()))

    def _say(self) -> None:
        """At most a line a second, and none when there was nothing to do."""
        report, self._report = self._report, Stored()
        if report.events or report.duplicates or report.discarded or report.dead:
            log.info(
                "metering.stored",
                events=report.events,
                duplicates=report.duplicates,
                discarded=report.discarded,
                dead=report.dead,
                lag_ms=self._lag_ms,
            )
        self._lag_ms = 0


def _store_in_parts(entries: Sequence[Entry]) -> list[Stored]:
    """Halve until the entry that spoils the rest stands alone."""
    try:
        return [storing.store(entries)]
    except POISON:
        if len(entries) == 1:
            return [storing.store_carefully(entries[0])]
    middle = len(entries) // 2
    return _store_in_parts(entries[:middle]) + _store_in_parts(entries[middle:])
