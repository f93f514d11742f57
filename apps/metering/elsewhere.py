"""Storing in another database than the control plane's, exactly once although two commit.

The other database keeps a position of its own for each shard, and what it still has to tell the
control plane (corrections, dead letters), in the transaction that stores the rows. It commits
first. If the control plane's commit then fails, the same entries come again, are skipped here,
and what was kept is told again; it is told for good by the transaction that lets go of the entry
at the kept position.

Whoever comes brings a token from `metering_fence`, drawn under the control plane's lock of the
shard. One that is not newer than the last one comes from somebody who lost that lock.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import OperationalError

from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.metering import inserting
from apps.metering.inserting import Dead, Insert, Outcome
from apps.metering.stream import START, Entry, Mark, Owed, Position
from tenlyr.core import redis

# A batch takes a second at most; all others of this process wait as long.
WITHIN_S = 15.0
FOLDER = Path(__file__).parent / "sql"
# What another database must have in its `public`; idempotent.
SQL = "".join((FOLDER / name).read_text() for name in ("database.sql", "elsewhere.sql"))
LOCK = (
    "SELECT shard, fence, epoch, last_ms, last_seq, told::text FROM public.metering_shard"
    " WHERE shard = ANY (%s) ORDER BY shard FOR UPDATE"
)
ADVANCE = """
UPDATE public.metering_shard AS s
SET fence = %s, epoch = n.epoch, last_ms = n.ms, last_seq = n.seq, told = n.told::jsonb
FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
  AS n (shard, epoch, ms, seq, told)
WHERE s.shard = n.shard
"""


# Databases that this process stored in since it last asked.
_used: set[str] = set()


class Fenced(OperationalError):
    """Somebody with the newer token `fence` was here already: our lock is not ours any more."""

    def __init__(self, fence: int) -> None:
        super().__init__(f"token {fence} was here already")
        self.fence = fence


@dataclass(frozen=True, slots=True)
class Told:
    """How far a shard is stored in the other database, and what that has to be told."""

    shard: int
    epoch: int
    position: Position
    owed: tuple[Owed, ...] = ()
    dead: tuple[Dead, ...] = ()

    def is_ahead_of(self, mark: Mark) -> bool:
        """Whether the control plane does not know yet that these entries are stored."""
        return self.epoch == mark.epoch and self.position > mark.position

    def holds(self, entry: Entry, mark: Mark) -> bool:
        """Whether the entry is a replay here."""
        is_present = self.epoch == mark.epoch == entry.epoch
        return is_present and entry.position <= self.position


def store(
    placed: Mapping[Location, Sequence[Entry]],
    marks: Mapping[int, Mark],
    token: int,
    insert: Insert,
) -> tuple[Outcome, list[Told]]:
    """Store entries at Locations of one database, in one transaction that is committed on return.

    `marks` are the control plane's, locked. Raises `Fenced` and what the database raises; what is
    stored then, the next try finds out.
    """
    (alias,) = {location.fleet_alias for location in placed}
    shards = {entry.shard for entries in placed.values() for entry in entries}
    epochs = {shard: marks[shard].epoch for shard in shards}
    outcome = Outcome()
    stored: list[Entry] = []
    with (
        isolation.database_fleet(alias, within_s=WITHIN_S) as connection,
        connection.cursor() as cursor,
    ):
        before = lock(cursor, shards, token)
        for location, entries in placed.items():
            new = [e for e in entries if not before[e.shard].holds(e, marks[e.shard])]
            if new:
                outcome.add(inserting.into(location, new, epochs, insert))
                stored += new
        after = [_after(before[shard], marks[shard], stored, outcome) for shard in sorted(shards)]
        _advance(cursor, after, token)
    _used.add(alias)
    return outcome, after


def used() -> list[str]:
    """The aliases that were stored in since the last question."""
    found = sorted(_used)
    _used.clear()
    return found


def token(control: Any) -> int:
    """A token that is newer than all that were drawn under the same shards' locks before."""
    control.execute("SELECT nextval('public.metering_fence')")
    drawn: int = control.fetchone()[0]
    return drawn


def pass_by(control: Any, error: Fenced) -> None:
    """Draw newer tokens from now on: a control plane put back to an older day is behind.

    One who lost the shards' locks fails here, for the connection that held them is gone.
    """
    control.execute(
        "SELECT setval('public.metering_fence', %s) FROM public.metering_fence"
        " WHERE last_value < %s",
        [error.fence, error.fence],
    )


def lock(cursor: Any, shards: Iterable[int], token: int) -> dict[int, Told]:
    """What the other database knows of the shards, locked; raises `Fenced`."""
    wanted = sorted(shards)
    cursor.execute(LOCK, [wanted])
    found = cursor.fetchall()
    if len(found) < len(wanted):
        raise OperationalError("the database is not set up: rows of metering_shard are missing")
    newest = max(fence for _, fence, *_ in found)
    if newest >= token:
        raise Fenced(newest)
    return {shard: _told(shard, epoch, (ms, seq), told) for shard, _, epoch, ms, seq, told in found}


def _after(before: Told, mark: Mark, stored: Sequence[Entry], outcome: Outcome) -> Told:
    """What the shard's row shall say: with what it still had to tell, and what is new."""
    is_present = before.epoch == mark.epoch
    position = max(
        before.position if is_present else START,
        *(e.position for e in stored if e.shard == mark.shard and e.epoch >= mark.epoch),
        START,
    )
    is_untold = before.is_ahead_of(mark)
    owed = (one for one in outcome.owed if redis.shard_of(one.tenant_id) == mark.shard)
    dead = (one for one in outcome.dead if one.shard == mark.shard)
    return Told(
        mark.shard,
        mark.epoch,
        position,
        (*(before.owed if is_untold else ()), *owed),
        # A dead letter is told twice rather than never: counters were made anew, it was not.
        (*(before.dead if is_untold or not is_present else ()), *dead),
    )


def _advance(cursor: Any, after: Sequence[Told], token: int) -> None:
    cursor.execute(
        ADVANCE,
        [
            token,
            [told.shard for told in after],
            [told.epoch for told in after],
            [told.position[0] for told in after],
            [told.position[1] for told in after],
            [_written(told) for told in after],
        ],
    )


def _told(shard: int, epoch: int, position: Position, written: str) -> Told:
    found = json.loads(written)
    dead = tuple(
        Dead(shard, name, UUID(tenant) if tenant else None, bytes.fromhex(payload), reason)
        for name, tenant, payload, reason in found.get("dead", ())
    )
    return Told(shard, epoch, position, inserting.owed_from(found.get("owed", ())), dead)


def _written(told: Told) -> str:
    dead = [
        [one.name, str(one.tenant_id or ""), one.payload.hex(), one.reason] for one in told.dead
    ]
    return json.dumps({"owed": inserting.owed_written(told.owed), "dead": dead})
