"""Counters anew from Postgres, when a Redis lost its data or nobody trusts them any more (X21,
R14).

While a shard is not ready its events are refused with 503, so that the counters stand still.
The epoch rises first: a consumer that stores an entry of the epoch before finds out, and
distrusts the shard again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from uuid import UUID

import structlog

from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.metering import outages, periods, stream
from apps.metering.names import names_of
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
Totals = dict[int, Counters]


def rebuild(shards: Iterable[int]) -> int:
    """Count the shards anew and make them ready; answers how many counters that gave.

    Their streams must be empty: what is unstored would be missing. Shards of tenants whose
    database is away stay as they are. Raises `DatabaseError`, `RedisError`.
    """
    places = isolation.locations()
    asked, waits = set(shards), _waiting(places)
    wanted = sorted(asked - waits.keys())
    _note_waits({shard: waits[shard] for shard in asked & waits.keys()})
    if not wanted:
        return 0
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
        totals, missed = _totals(places, set(ours))
        ours = [shard for shard in ours if shard not in missed]
        _note_waits(missed)
        stale = _existing(set(ours))
        for shard in ours:
            _replace(shard, epochs[shard], totals[shard], stale[shard] - totals[shard].keys())
            count += len(totals[shard])
    log.info("metering.rebuilt", shards=len(ours), counters=count)
    return count


def _waiting(places: Iterable[Location]) -> dict[int, str]:
    """The shards of tenants whose database is to be left alone for now, and which Location."""
    away = [place for place in places if outages.is_away(place.fleet_alias)]
    return {shard: outages.name_of(place) for place in away for shard in _shards_at(place)}


def _shards_at(place: Location) -> set[int]:
    return {redis.shard_of(tenant_id) for tenant_id in isolation.residents(place)}


def _note_waits(waits: Mapping[int, str]) -> None:
    """Say for `/readyz` why these shards are not ready; they hold no entry that could wait."""
    with isolation.control_fleet() as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.metering_shard AS s SET waits_for = n.place"
            " FROM unnest(%s::int[], %s::text[]) AS n (shard, place)"
            " WHERE s.shard = n.shard AND s.waits_for <> n.place",
            [list(waits), list(waits.values())],
        )


def _raise_epochs(shards: list[int]) -> dict[int, int]:
    with isolation.control_fleet() as connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE public.metering_shard AS s"
            " SET epoch = epoch + 1, last_ms = 0, last_seq = 0, corrections = '[]',"
            "     waits_for = '', waits_ms = 0, waits_seq = 0"
            " FROM (SELECT shard FROM public.metering_shard WHERE shard = ANY (%s)"
            "       ORDER BY shard FOR UPDATE) AS locked"
            " WHERE s.shard = locked.shard RETURNING s.shard, s.epoch",
            [shards],
        )
        return dict(cursor.fetchall())


def _totals(
    places: Iterable[Location], shards: set[int]
) -> tuple[dict[int, Counters], dict[int, str]]:
    """Key -> (count, expiry in epoch ms or 0) of every counter, by shard; and the shards of which
    a Location said nothing.
    """
    found: dict[int, Counters] = defaultdict(dict)
    missed: dict[int, str] = {}
    for place in places:
        # Only these: rows of a tenant that moved away may lie here for days.
        here = {one for one in isolation.residents(place) if redis.shard_of(one) in shards}
        rows = _read(place) if here else []
        if rows is None:
            missed |= {redis.shard_of(tenant_id): outages.name_of(place) for tenant_id in here}
            continue
        for tenant_id, metric, period, value in rows:
            if tenant_id in here:
                _add(found, tenant_id, Metric(metric), period, value)
    return found, missed


def _read(place: Location) -> list[tuple[UUID, str, str, Decimal]] | None:
    """The totals by tenant, metric and period at the place; None when its database is away."""
    since = list(periods.latest(clock.now(), MONTHS))[-1].start
    with (
        outages.noted(place.fleet_alias),
        isolation.database_fleet(place.fleet_alias),
        isolation.fleet(place) as scope,
        scope.cursor() as cursor,
    ):
        cursor.execute(TOTALS, {"gauges": [str(gauge) for gauge in GAUGES], "since": since})
        found: list[tuple[UUID, str, str, Decimal]] = cursor.fetchall()
        return found
    return None


def _add(found: Totals, tenant_id: UUID, metric: Metric, period: str, value: Decimal) -> None:
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
