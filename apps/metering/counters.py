"""What tenants have used, from the counters in Redis; from Postgres when they cannot be had
(F5, B14).
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import structlog

from apps.isolation import public as isolation
from apps.metering import periods, stream
from apps.metering.names import names_of
from apps.metering.periods import Period
from tenlyr.core import clock, redis
from tenlyr.core.metrics import GAUGES, Metric, to_counter

log = structlog.get_logger(__name__)

Used = dict[Metric, int]

STORED = """
SELECT tenant_id, metric, sum(value) FROM usage_rollup
WHERE tenant_id = ANY (%(tenants)s) AND grain = 'month'
  AND (start = %(start)s OR metric = ANY (%(gauges)s))
GROUP BY 1, 2
"""


def totals(tenant_ids: Iterable[UUID]) -> dict[UUID, Used]:
    """Each tenant's use of every metric in the present period, in counter units.

    Without Redis, and while counters are rebuilt, it is what Postgres holds: a second older.
    """
    wanted = list(tenant_ids)
    period = periods.of(clock.now())
    try:
        counted = _from_redis(wanted, period)
    except redis.RedisError as error:
        log.warning("metering.counters_away", reason=type(error).__name__)
        counted = {}
    missing = [tenant_id for tenant_id in wanted if tenant_id not in counted]
    return counted | (_from_postgres(missing, period) if missing else {})


def keys_of(tenant_id: UUID, period: Period) -> list[str]:
    """The counters of all metrics in a period, in the order of `Metric`."""
    names = names_of(tenant_id)
    return [
        names.counter(metric, periods.LEVEL if metric in GAUGES else period.name)
        for metric in Metric
    ]


def _from_redis(tenant_ids: list[UUID], period: Period) -> dict[UUID, Used]:
    """Those whose counters can be trusted."""
    trusted = stream.epochs_of({redis.shard_of(tenant_id) for tenant_id in tenant_ids})
    asked = [tenant_id for tenant_id in tenant_ids if redis.shard_of(tenant_id) in trusted]
    pipe = redis.client().pipeline(transaction=False)
    for tenant_id in asked:
        pipe.mget(keys_of(tenant_id, period))
    return {
        tenant_id: {metric: int(raw or 0) for metric, raw in zip(Metric, values, strict=True)}
        for tenant_id, values in zip(asked, pipe.execute(), strict=True)
    }


def _from_postgres(tenant_ids: list[UUID], period: Period) -> dict[UUID, Used]:
    found: dict[UUID, Used] = {tenant_id: dict.fromkeys(Metric, 0) for tenant_id in tenant_ids}
    for location, here in isolation.group(tenant_ids).items():
        params: dict[str, Any] = {
            "tenants": here,
            "start": period.start,
            "gauges": [str(gauge) for gauge in GAUGES],
        }
        with isolation.fleet(location) as scope, scope.cursor() as cursor:
            cursor.execute(STORED, params)
            for tenant_id, metric, value in cursor.fetchall():
                found[tenant_id][Metric(metric)] = to_counter(Metric(metric), value)
    return found
