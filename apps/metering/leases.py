"""Which consumer reads which shards: a lease each, shared out fairly, free again when its
owner dies (F7).

Leases save work; they guard nothing. What two consumers read at once, `storing` stores once.
"""

import math
import uuid
from collections.abc import Iterable

from tenlyr.core import clock, redis

LEASE_MS = 10_000
ALIVE_MS = 10_000
# The name of a consumer's connection, by which the others see that it lives.
SIGN = "consumer-"

TAKE = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
GIVE = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
)


class Leases:
    """The leases of one consumer. Its methods raise `RedisError`."""

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex
        self.owned: set[int] = set()

    def renew(self) -> tuple[set[int], set[int]]:
        """Keep what is ours, take what is free, leave what is more than our share: (gained,
        lost).
        """
        self._bury_the_dead()
        share = self._share()
        kept = {shard for shard in self.owned if self._take(shard)}
        spare = sorted(kept)[share:]
        self._give(spare)
        kept -= set(spare)
        gained: set[int] = set()
        for shard in range(redis.SHARDS):
            if len(kept) + len(gained) >= share:
                break
            if shard not in kept and shard not in spare and self._take(shard):
                gained.add(shard)
        lost = self.owned - kept
        self.owned = kept | gained
        return gained, lost

    def leave(self) -> None:
        """Free everything, so that another consumer need not wait for it."""
        redis.client().zrem(redis.consumers(), self.name)
        self._give(self.owned)
        self.owned = set()

    def _bury_the_dead(self) -> None:
        """Free what consumers without a connection left: a crash need not cost a lease's whole
        time.

        One that only lost its connection for a moment finds its leases gone: that costs work,
        no event.
        """
        redis.command(b"CLIENT", b"SETNAME", SIGN + self.name)
        others = set(redis.client().zrange(redis.consumers(), 0, -1)) - {self.name.encode()}
        if not others:
            return
        alive = {client["name"] for client in redis.client().client_list()}
        for name in map(bytes.decode, others):
            if SIGN + name not in alive:
                redis.client().zrem(redis.consumers(), name)
                self._give(range(redis.SHARDS), name)

    def _share(self) -> int:
        """An even part of the shards among the consumers that showed up lately."""
        now = clock.epoch_ms()
        pipe = redis.client().pipeline(transaction=False)
        pipe.zadd(redis.consumers(), {self.name: now})
        pipe.zremrangebyscore(redis.consumers(), 0, now - ALIVE_MS)
        pipe.zcard(redis.consumers())
        return math.ceil(redis.SHARDS / max(1, int(pipe.execute()[-1])))

    def _take(self, shard: int) -> bool:
        return redis.command(b"EVAL", TAKE, 1, redis.lease(shard), self.name, LEASE_MS) == 1

    def _give(self, shards: Iterable[int], owner: str = "") -> None:
        for shard in shards:
            redis.command(b"EVAL", GIVE, 1, redis.lease(shard), owner or self.name)
