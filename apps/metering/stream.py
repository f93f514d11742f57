"""The queue, as the consumer sees it: entries in order, and their end once Postgres holds them
(F7).

This is the part that another queue (X60) would bring along; positions are `(ms, seq)` of an entry.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from msgspec import Struct

from apps.metering import periods
from tenlyr.core import clock, redis
from tenlyr.core.metrics import GAUGES

FINISH = (Path(__file__).parent / "finish.lua").read_text()

TURN_OVER = (Path(__file__).parent / "turn_over.lua").read_text()
# Entries that waited longer than this to be stored are a stall.
STALL_MS = 60_000
# An hour, and what a stall may hide.
KEPT_MS = 65 * 60_000

Position = tuple[int, int]
START: Position = (0, 0)
NOBODY = UUID(int=0)
FIELDS = (b"e", b"n", b"b")


class Entry(Struct, frozen=True, gc=False):
    """The admitted events of one call, all of one tenant. `damage` says why it cannot be read."""

    shard: int
    position: Position
    epoch: int
    count: int
    tenant_id: UUID
    rows: bytes
    damage: str = ""

    @property
    def name(self) -> str:
        """The entry's id in Redis."""
        return "{}-{}".format(*self.position)


@dataclass(frozen=True, slots=True)
class Owed:
    """What a counter has too much, because an event came twice: to be taken back once."""

    tenant_id: UUID
    metric: str
    period: str
    units: int

    @property
    def counter(self) -> str:
        """The counter's key."""
        period = periods.LEVEL if self.metric in GAUGES else self.period
        return redis.usage(redis.shard_of(self.tenant_id), self.tenant_id, self.metric, period)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a shard is stored, and what that owes to counters; `metering_shard` holds it."""

    shard: int
    epoch: int
    position: Position
    owed: tuple[Owed, ...] = ()


def read(positions: Mapping[int, Position], *, count: int, block_ms: int = 0) -> list[Entry]:
    """Entries after `positions` (by shard), at most `count` of each shard, each shard's in order.

    Waits up to `block_ms` for the first one. Raises `RedisError`.
    """
    shards = list(positions)
    wait = ("BLOCK", block_ms) if block_ms else ()
    answer: Any = redis.command(
        b"XREAD", "COUNT", count, *wait, "STREAMS",
        *(redis.stream(shard) for shard in shards),
        *("{}-{}".format(*positions[shard]) for shard in shards),
    )  # fmt: skip
    by_name = {redis.stream(shard).encode(): shard for shard in shards}
    entries: list[Entry] = []
    for name, found in answer or ():
        shard = by_name[name]
        entries += [_entry(shard, raw, fields) for raw, fields in found]
    return entries


def position_of(raw: bytes) -> Position:
    """An entry's id as numbers."""
    ms, _, seq = raw.partition(b"-")
    return int(ms), int(seq)


def _entry(shard: int, raw: bytes, fields: list[bytes]) -> Entry:
    position = position_of(raw)
    try:
        e, epoch, n, number, b, rows = fields
        if (e, n, b) != FIELDS:
            raise ValueError("other fields")
        tenant_id, at_home = _tenant(rows[6:22])
        count = int(number)
        if count < 1 or at_home != shard:
            raise ValueError("not a tenant of this shard")
        return Entry(shard, position, int(epoch), count, tenant_id, rows)
    except ValueError as error:
        damage = f"unreadable: {error!r}"
        return Entry(shard, position, 0, 1, NOBODY, repr(fields).encode(), damage)


@lru_cache(maxsize=50_000)
def _tenant(raw: bytes) -> tuple[UUID, int]:
    """Whose events these are (the first column of the first row), and the tenant's shard."""
    tenant_id = UUID(bytes=raw)
    return tenant_id, redis.shard_of(tenant_id)


def finish(mark: Mark) -> None:
    """Trim what is stored and pay what is owed; a second time does nothing. Raises `RedisError`."""
    ms, seq = mark.position
    names = [redis.ready(mark.shard), redis.stream(mark.shard), redis.finished(mark.shard)]
    keys = [*names, *(owed.counter for owed in mark.owed)]
    redis.command(
        b"EVAL", FINISH, len(keys), *keys, mark.epoch,
        f"{mark.epoch:010d}:{ms:015d}:{seq:020d}", f"{ms}-{seq + 1}",
        *(owed.units for owed in mark.owed),
    )  # fmt: skip


def epochs_of(shards: Iterable[int]) -> dict[int, int]:
    """The epoch of every shard whose counters can be trusted; the others are absent."""
    pipe = redis.client().pipeline(transaction=False)
    asked = list(shards)
    for shard in asked:
        pipe.hget(redis.ready(shard), "epoch")
    found = zip(asked, pipe.execute(), strict=True)
    return {shard: int(raw) for shard, raw in found if raw is not None}


def is_empty(shard: int) -> bool:
    """Whether everything that was admitted is stored."""
    return redis.command(b"XLEN", redis.stream(shard)) == 0


def turn_over(shard: int) -> bool:
    """Begin a new generation of remembered ids if it is time; forgets those before the present one.

    An id is remembered until an hour after its event was stored, at least (X23).
    """
    keys = (redis.ready(shard), redis.stream(shard), redis.quiet(shard), redis.seen(shard))
    return redis.command(b"EVAL", TURN_OVER, 4, *keys, clock.epoch_ms(), KEPT_MS, STALL_MS) == 1


def note_stall(shard: int) -> None:
    """Events waited long to be stored: their ids begin to age only now."""
    redis.command(b"SET", redis.quiet(shard), clock.epoch_ms())


def distrust(shards: Iterable[int]) -> None:
    """Stop admitting events of these shards until their counters are rebuilt."""
    for shard in shards:
        redis.command(b"HDEL", redis.ready(shard), "epoch")


def last_added(shard: int) -> Position:
    """The newest entry that the stream ever had, stored or not; `START` for one that is not
    there.
    """
    if not redis.command(b"EXISTS", redis.stream(shard)):
        return START
    answer: Any = redis.command(b"XINFO", "STREAM", redis.stream(shard))
    facts = dict(zip(answer[::2], answer[1::2], strict=True))
    return position_of(facts[b"last-generated-id"])


def is_stored(shard: int, position: Position) -> bool:
    """Whether the stream holds nothing any more up to `position`."""
    found: Any = redis.command(b"XRANGE", redis.stream(shard), "-", "+", "COUNT", 1)
    return not found or position_of(found[0][0]) > position


def oldest_ages_ms(shards: Iterable[int]) -> dict[int, int]:
    """How long the oldest unstored entry of each shard has waited; shards without any are
    absent.
    """
    pipe = redis.client().pipeline(transaction=False)
    asked = list(shards)
    for shard in asked:
        pipe.xrange(redis.stream(shard), count=1)
    now = clock.epoch_ms()
    return {
        shard: max(0, now - position_of(found[0][0])[0])
        for shard, found in zip(asked, pipe.execute(), strict=True)
        if found
    }
