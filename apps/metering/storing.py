"""Store, then let go: entries become rows and rollups, each event once, whoever dies on the
way (R6).

The lock on a shard's row in `metering_shard` and the position in it make the store exact: what
lies at or before the position is a replay, and a consumer that was thought dead finds that out
here. Rows for other databases are committed there first (`elsewhere`). While one of them is away,
the shards that have entries for it wait at the first of these; all other shards go on.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from msgspec.structs import replace

from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.metering import elsewhere, inserting, outages, stream
from apps.metering.elsewhere import Told
from apps.metering.inserting import POISON, Dead, Insert, Outcome
from apps.metering.outages import HERE
from apps.metering.stream import START, Entry, Mark, Owed, Position
from tenlyr.core import redis

log = structlog.get_logger(__name__)

STAGING_BYTES = 4_000_000
LONGEST_REASON = 500
PAGE = 500

Places = Mapping[UUID, Location]


class Wait(NamedTuple):
    """The entry at which a shard waits, and the Location that it waits for."""

    place: str
    position: Position


@dataclass(slots=True)
class Stored:
    """What a transaction did. `waiting` shards have entries that it left, for a database is
    away; `distrusted` ones got events that their rebuilt counters lack.
    """

    events: int = 0
    duplicates: int = 0
    discarded: int = 0
    dead: int = 0
    owed: tuple[Owed, ...] = ()
    marks: list[Mark] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)
    distrusted: set[int] = field(default_factory=set)


def store(entries: Sequence[Entry]) -> Stored:
    """Store entries (each shard's in order) in one transaction; raises `DatabaseError`,
    storing none.

    Afterwards the caller owes each of `marks` a `stream.finish`.
    """
    return _store(entries, inserting.together)


def store_carefully(entry: Entry) -> Stored:
    """Store an entry row by row; a row that Postgres refuses becomes a dead letter (F15)."""
    return _store([entry], inserting.singly)


def give_up(place: str) -> int:
    """Make dead letters of what waits for a Location (`database/schema`) whose database is lost;
    answers of how many entries. Raises `DatabaseError`, `RedisError`.
    """
    buried = 0
    for shard, waits_for in waits_of(range(redis.SHARDS)).items():
        while waits_for == place and (entries := stream.read({shard: START}, count=PAGE)):
            done = _store(entries, inserting.together, lost=place)
            buried += done.dead
            for mark in done.marks:
                stream.finish(mark)
            if done.waiting:
                break
    return buried


def _store(entries: Sequence[Entry], insert: Insert, lost: str = "") -> Stored:
    with isolation.control_fleet() as connection, connection.cursor() as cursor:
        marks, waits = _lock(cursor, {entry.shard for entry in entries})
        return _Batch(cursor, entries, marks, waits, insert, lost).store()


def _lock(cursor: Any, shards: Iterable[int]) -> tuple[dict[int, Mark], dict[int, Wait]]:
    """The shards' marks, locked until commit, with nothing owed from before; and who waits."""
    cursor.execute(
        "SELECT shard, epoch, last_ms, last_seq, corrections::text, waits_for, waits_ms, waits_seq"
        " FROM public.metering_shard WHERE shard = ANY (%s) ORDER BY shard FOR UPDATE",
        [sorted(shards)],
    )
    marks, waits = {}, {}
    for shard, epoch, ms, seq, corrections, place, wait_ms, wait_seq in cursor.fetchall():
        mark = Mark(shard, epoch, (ms, seq), inserting.owed_from(json.loads(corrections)))
        if mark.owed:
            # Its consumer may have died between commit and payment. Paying twice does nothing.
            stream.finish(mark)
        marks[shard] = mark
        # A shard that waits for its counters has no such entry.
        if place and (wait_ms, wait_seq) > START:
            waits[shard] = Wait(place, (wait_ms, wait_seq))
    return marks, waits


class _Batch:
    """The entries of one transaction on their way to the tenants' Locations."""

    def __init__(
        self,
        cursor: Any,
        entries: Sequence[Entry],
        marks: dict[int, Mark],
        waits: dict[int, Wait],
        insert: Insert,
        lost: str,
    ) -> None:
        self.cursor, self.marks, self.waits, self.insert = cursor, marks, waits, insert
        self.due = [entry for entry in entries if not self._is_replay(entry)]
        self.place_of = self._places()
        if lost:
            self.due = [self._given_up(entry, lost) for entry in self.due]
        self.away: set[str] = set()
        # What goes on of `due`; the shards that wait; what is too late to wait.
        self.entries = self.due
        self.held: dict[int, Wait] = {}
        self.left: list[Entry] = []
        self.told: list[Told] = []
        self.done = Stored()

    def store(self) -> Stored:
        """Bring every entry to its place, and move the marks."""
        if self.waits:
            self._hold_back()
        self._store_elsewhere()
        self._store_here()
        self._advance()
        self.done.waiting = set(self.held)
        return self.done

    def _is_replay(self, entry: Entry) -> bool:
        mark = self.marks[entry.shard]
        return entry.epoch == mark.epoch and entry.position <= mark.position

    def _places(self) -> Places:
        """Read under the shards' locks: who moves tenants holds them too."""
        tenants = {entry.tenant_id for entry in self.due if not entry.damage}
        placed = isolation.group(tenants)
        return {tenant_id: place for place, here in placed.items() for tenant_id in here}

    def _place(self, entry: Entry) -> Location | None:
        return None if entry.damage else self.place_of.get(entry.tenant_id)

    def _given_up(self, entry: Entry, lost: str) -> Entry:
        place = self._place(entry)
        if place is None or outages.name_of(place) != lost:
            return entry
        return replace(entry, damage=f"{lost} is lost")

    def _by_place(self) -> dict[str, dict[Location, list[Entry]]]:
        """The entries by database and Location, in a fixed order: two batches never deadlock."""
        found: dict[Location, list[Entry]] = defaultdict(list)
        for entry in self.entries:
            place = self._place(entry)
            if place is not None:
                found[place].append(entry)
        by_alias: dict[str, dict[Location, list[Entry]]] = defaultdict(dict)
        for place in sorted(found, key=lambda place: place.id):
            by_alias[place.fleet_alias][place] = found[place]
        return by_alias

    # ---- waiting
    def _hold_back(self) -> None:
        """Leave out, of each shard, its first entry for a database that is away and all that
        follow.
        """
        self.held, self.entries, self.left = {}, [], []
        begun: set[int] = set()
        for entry in self.due:
            if self._is_late(entry):
                (self.left if self._is_away(entry) else self.entries).append(entry)
                continue
            if entry.shard not in self.held:
                wait = self._wait(entry, is_first=entry.shard not in begun)
                if wait is not None:
                    self.held[entry.shard] = wait
                    continue
                begun.add(entry.shard)
                self.entries.append(entry)

    def _wait(self, entry: Entry, *, is_first: bool) -> Wait | None:
        before = self.waits.get(entry.shard)
        if is_first and before is not None and entry.position > before.position:
            # Read behind the one that waits: it must not be passed.
            return before
        place = self._place(entry)
        if place is None or not self._is_away(entry):
            return None
        return Wait(outages.name_of(place), entry.position)

    def _is_away(self, entry: Entry) -> bool:
        place = self._place(entry)
        return place is not None and place.fleet_alias in self.away

    def _is_late(self, entry: Entry) -> bool:
        """Read before Redis lost its data: it is in no stream any more, so it cannot wait."""
        return not entry.damage and entry.epoch < self.marks[entry.shard].epoch

    # ---- storing
    def _store_elsewhere(self) -> None:
        aliases = {place.fleet_alias for place in self.place_of.values()} - {HERE}
        if not aliases:
            return
        self._leave({alias for alias in aliases if outages.is_away(alias)})
        token, placed = elsewhere.token(self.cursor), self._by_place()
        for alias in sorted(aliases - self.away):
            if alias in placed and not self._store_there(alias, placed[alias], token):
                placed = self._by_place()

    def _store_there(
        self, alias: str, placed: Mapping[Location, Sequence[Entry]], token: int
    ) -> bool:
        """Whether the database did its work."""
        try:
            outcome, told = elsewhere.store(placed, self.marks, token, self.insert)
        except POISON:
            raise
        except elsewhere.Fenced as error:
            elsewhere.pass_by(self.cursor, error)
            raise
        except outages.TROUBLE as error:
            outages.note(alias, error)
            self._leave({alias})
            return False
        outages.over(alias)
        self.told += told
        self._count(outcome)
        return True

    def _leave(self, aliases: AbstractSet[str]) -> None:
        if aliases:
            self.away |= aliases
            self._hold_back()

    def _store_here(self) -> None:
        epochs = {shard: mark.epoch for shard, mark in self.marks.items()}
        for entry in self.left:
            self._bury([inserting.letter(entry, entry.rows, "its database was away")])
        for entry in self.entries:
            if entry.damage:
                self._bury([inserting.letter(entry, entry.rows, entry.damage)])
        for place, here in self._by_place().get(HERE, {}).items():
            outcome = inserting.into(place, here, epochs, self.insert)
            self._count(outcome)
            self._bury(outcome.dead)
            self.done.owed += outcome.owed
        for entry in self.entries:
            if not entry.damage and entry.tenant_id not in self.place_of:
                self.done.discarded += entry.count

    def _count(self, outcome: Outcome) -> None:
        self.done.events += outcome.events
        self.done.duplicates += outcome.duplicates
        self.done.distrusted |= outcome.distrusted

    def _bury(self, letters: Iterable[Dead]) -> None:
        """Keep what cannot be stored. The count in Redis stays as it is: the event was accepted."""
        for dead in letters:
            self.done.dead += 1
            log.error("metering.dead_letter", shard=dead.shard, entry=dead.name, reason=dead.reason)
            self.cursor.execute(
                "INSERT INTO public.metering_dead_letter (shard, entry, tenant_id, payload, reason)"
                " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                [dead.shard, dead.name, dead.tenant_id, dead.payload, dead.reason[:LONGEST_REASON]],
            )

    # ---- marks
    def _advance(self) -> None:
        """Move the marks past what this transaction stored, and note what it owes."""
        last = {shard: mark.position for shard, mark in self.marks.items()}
        for entry in self.entries:
            if entry.damage or entry.epoch >= self.marks[entry.shard].epoch:
                last[entry.shard] = max(last[entry.shard], entry.position)
        owed = self._owed(last)
        self.done.marks = [
            Mark(shard, mark.epoch, last[shard], owed[shard]) for shard, mark in self.marks.items()
        ]
        self._write([mark for mark in self.done.marks if self._is_changed(mark)])

    def _owed(self, last: Mapping[int, Position]) -> dict[int, tuple[Owed, ...]]:
        """What this transaction owes: also what other databases tell of entries it lets go of."""
        found: dict[int, tuple[Owed, ...]] = defaultdict(tuple)
        for one in self.done.owed:
            found[redis.shard_of(one.tenant_id)] += (one,)
        for told in self.told:
            self._bury(told.dead)
            if told.is_ahead_of(self.marks[told.shard]) and told.position <= last[told.shard]:
                found[told.shard] += told.owed
        return found

    def _is_changed(self, mark: Mark) -> bool:
        is_moved = mark.position > self.marks[mark.shard].position
        return is_moved or self.waits.get(mark.shard) != self.held.get(mark.shard)

    def _write(self, marks: Sequence[Mark]) -> None:
        for shard, wait in self.held.items():
            if wait != self.waits.get(shard):
                log.warning("metering.shard_waits", shard=shard, waits_for=wait.place)
        waits = [self.held.get(mark.shard, Wait("", (0, 0))) for mark in marks]
        self.cursor.execute(
            "UPDATE public.metering_shard AS s"
            " SET last_ms = n.ms, last_seq = n.seq, corrections = n.corrections::jsonb,"
            "     waits_for = n.place, waits_ms = n.wait_ms, waits_seq = n.wait_seq"
            " FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::text[], %s::text[],"
            "             %s::bigint[], %s::bigint[])"
            "   AS n (shard, ms, seq, corrections, place, wait_ms, wait_seq)"
            " WHERE s.shard = n.shard",
            [
                [mark.shard for mark in marks],
                [mark.position[0] for mark in marks],
                [mark.position[1] for mark in marks],
                [json.dumps(inserting.owed_written(mark.owed)) for mark in marks],
                [wait.place for wait in waits],
                [wait.position[0] for wait in waits],
                [wait.position[1] for wait in waits],
            ],
        )


def empty_staging() -> None:
    """Give back the space of staging tables once it is worth a short lock."""
    for alias in (HERE, *elsewhere.used()):
        with (
            outages.noted(alias),
            isolation.database_fleet(alias) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT public.metering_empty_staging(%s)", [STAGING_BYTES])


def marks_of(shards: Iterable[int]) -> list[Mark]:
    """How far the shards are stored, as it stands now."""
    with isolation.control_fleet() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT shard, epoch, last_ms, last_seq FROM public.metering_shard"
            " WHERE shard = ANY (%s)",
            [sorted(shards)],
        )
        return [Mark(shard, epoch, (ms, seq)) for shard, epoch, ms, seq in cursor.fetchall()]


def waits_of(shards: Iterable[int]) -> dict[int, str]:
    """The shards that wait, and for which Location (`database/schema`)."""
    with isolation.control_fleet() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT shard, waits_for FROM public.metering_shard"
            " WHERE shard = ANY (%s) AND waits_for <> ''",
            [sorted(shards)],
        )
        return dict(cursor.fetchall())
