"""Counters anew from Postgres, when a Redis lost its data or nobody trusts them any more (X21,
R14).

While a shard is not ready its events are refused with 503, so that the counters stand still.
The epoch rises first: a consumer that stores an entry of the epoch before finds out, and
distrusts the shard again.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import structlog

from apps.isolation import public as isolation
from apps.metering import periods, stream
from apps.metering.ingest import names_of
from tenlyr.core import clock, redis
from tenlyr.core.metrics import GAUGES, Metric, to_counter

log = structlog.get_logger(__name__)

# The oldest accepted timestamp is 35 days back: two months before this one at most.
MONTHS = 3

TOTALS = """
SELECT tenant_id, metric, CASE WHEN metric = ANY (%(gauges)s) THEN 'level'
                               ELSE to_char(start AT TIME ZONE 'UTC', 'YYYYMM') END AS period,
       sum(value)
FROM usage_rollup
WHERE grain = 'month' AND (start >= %(since)s OR metric = ANY (%(gauges)s))
GROUP BY 1, 2, 3
"""

Counters = dict[str, tuple[int, int]]


def rebuild(shards: Iterable[int]) -> int:
    """Count the shards anew and make them ready; answers how many counters that gave.

    Their streams must be empty: what is unstored would be missing. Raises `DatabaseError`,
    `RedisError`.
    """
    wanted = sorted(shards)
    stream.distrust(wanted)
    epochs = _raise_epochs(wanted)
    count = 0
    with isolation.control_fleet() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT shard, epoch FROM public.metering_shard WHERE shard = ANY (%s)"
            " ORDER BY shard FOR UPDATE",
            [wanted],
        )
        # A shard whose epoch rose again is being rebuilt by somebody else.
        ours = [shard for shard, epoch in cursor.fetchall() if epoch == epochs[shard]]
        totals = _totals(set(ours))
        stale = _existing(set(ours))
        for shard in ours:
            _replace(shard, epochs[shard], totals[shard], stale[shard] - totals[shard].keys())
            count += len(totals[shard])
    log.info("metering.rebuilt", shards=len(ours), counters=count)
    return count


def _raise_epochs(shards: list[int]) -> dict[int, int]:
    with isolation.control_fleet() as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.metering_shard AS s"
            " SET epoch = epoch + 1, last_ms = 0, last_seq = 0, corrections = '[]'"
            " FROM (SELECT shard FROM public.metering_shard WHERE shard = ANY (%s)"
            "       ORDER BY shard FOR UPDATE) AS locked"
            " WHERE s.shard = locked.shard RETURNING s.shard, s.epoch",
            [shards],
        )
        return dict(cursor.fetchall())


def _totals(shards: set[int]) -> dict[int, Counters]:
    """Key -> (count, expiry in epoch ms or 0) of every counter, by shard."""
    since = list(periods.latest(clock.now(), MONTHS))[-1].start
    found: dict[int, Counters] = defaultdict(dict)
    for location in isolation.locations():
        with isolation.fleet(location) as scope, scope.cursor() as cursor:
            cursor.execute(TOTALS, {"gauges": [str(gauge) for gauge in GAUGES], "since": since})
            for tenant_id, metric, period, value in cursor.fetchall():
                if redis.shard_of(tenant_id) in shards:
                    _add(found, tenant_id, Metric(metric), period, value)
    return found


def _add(
    found: dict[int, Counters], tenant_id: UUID, metric: Metric, period: str, value: Any
) -> None:
    names = names_of(tenant_id)
    expires_ms = 0
    if period != periods.LEVEL:
        expires_ms = periods.of_month(int(period[:4]), int(period[4:])).expires_ms
    found[names.shard][names.counter(metric, period)] = (to_counter(metric, value), expires_ms)


def _existing(shards: set[int]) -> dict[int, set[str]]:
    """The counters that Redis has now, right or wrong."""
    found: dict[int, set[str]] = defaultdict(set)
    for key in redis.client().scan_iter(match="usage:{*}:*", count=10_000):
        shard = int(key[key.index(b"{") + 1 : key.index(b"}")])
        if shard in shards:
            found[shard].add(key.decode())
    return found


def _replace(shard: int, epoch: int, totals: Counters, stale: set[str]) -> None:
    """All at once: nobody ever sees some of the counters."""
    pipe = redis.client().pipeline(transaction=True)
    if stale:
        pipe.delete(*stale)
    for key, (count, expires_ms) in totals.items():
        pipe.set(key, count, pxat=expires_ms or None)
    pipe.hsetnx(redis.ready(shard), "generation", 1)
    pipe.hset(redis.ready(shard), "epoch", epoch)
    pipe.setnx(redis.quiet(shard), clock.epoch_ms())
    pipe.execute()
