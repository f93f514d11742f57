"""Reads of usage: now, over time, and event by event (B14-B16, X30)."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from apps.isolation import public as isolation
from apps.metering import counters, limits, periods
from apps.metering.events import Event, shown
from apps.metering.periods import Period
from apps.metering.store import models as store
from tenlyr.core import clock
from tenlyr.core.metrics import GAUGES, Metric, from_counter, to_counter

NAMES = {
    Metric.API_CALL: "api_calls",
    Metric.STORAGE_GB: "storage_gb",
    Metric.SEATS: "seats",
    Metric.COMPUTE: "compute",
}
HOURS, DAYS, MONTHS = 48, 35, 13
PAGE = 1_000


def metrics(tenant_id: UUID) -> dict[str, Any]:
    """What the tenant used in the present period; gauges as they stand (B14)."""
    used = counters.totals([tenant_id])[tenant_id]
    return {
        "tenant_id": tenant_id,
        **{name: from_counter(metric, used[metric]) for metric, name in NAMES.items()},
        "period": _iso_month(periods.of(clock.now())),
    }


def summary(tenant_id: UUID) -> dict[str, Any]:
    """Use against limits, where it leads, and what it was made of (B15, X30)."""
    now = clock.now()
    period = periods.of(now)
    used, allowed = counters.totals([tenant_id])[tenant_id], limits.of(tenant_id)
    return {
        "tenant_id": tenant_id,
        "period_start": period.start,
        "period_end": period.end,
        "metrics": {
            str(metric): _standing(metric, used[metric], allowed.get(metric), period, now)
            for metric in Metric
        },
        "rollups": _rollups(tenant_id, now),
    }


def events(tenant_id: UUID, limit: int) -> list[dict[str, Any]]:
    """The newest events in wire casing (B16)."""
    with isolation.scope(tenant_id, read_only=True):
        rows = store.Event.objects.filter(tenant_id=tenant_id).order_by("-ts", "-id")
        return [shown(tenant_id, _event(row)) for row in rows[:limit]]


def all_events(tenant_id: UUID) -> Iterator[dict[str, Any]]:
    """Every event in wire casing, oldest first, a page at a time (B12)."""
    after: tuple[datetime, UUID] | None = None
    while True:
        with isolation.scope(tenant_id, read_only=True):
            rows = store.Event.objects.filter(tenant_id=tenant_id).order_by("ts", "id")
            if after is not None:
                ts, event_id = after
                rows = rows.filter(Q(ts__gt=ts) | Q(ts=ts, id__gt=event_id), ts__gte=ts)
            page = list(rows[:PAGE])
        yield from (shown(tenant_id, _event(row)) for row in page)
        if len(page) < PAGE:
            return
        after = page[-1].ts, page[-1].id


def _iso_month(period: Period) -> str:
    return f"{period.start:%Y-%m}"


def _event(row: store.Event) -> Event:
    return Event(
        id=row.id.bytes,
        has_given_id=False,
        ts_ms=round(row.ts.timestamp() * 1000),
        metric=row.metric,
        units=to_counter(Metric(row.metric), row.value),
        mode=row.mode,
        endpoint=row.endpoint,
        status_code=row.status_code,
        success=row.success,
        latency_ms=row.latency_ms,
        billable=row.billable,
    )


def _standing(
    metric: Metric, used: int, limit: int | None, period: Period, now: datetime
) -> dict[str, Any]:
    projected = _projected(metric, used, period, now)
    if limit is None:
        remaining = percentage = None
    else:
        remaining = from_counter(metric, max(0, limit - used))
        percentage = round(100 * used / limit, 2) if limit else 100.0
    return {
        "used": from_counter(metric, used),
        "limit": None if limit is None else from_counter(metric, limit),
        "remaining": remaining,
        "percentage": percentage,
        "projected": from_counter(metric, projected),
        "exhausts_at": _exhausts_at(metric, used, limit, period, now),
    }


def _projected(metric: Metric, used: int, period: Period, now: datetime) -> int:
    """Where use will stand at the period's end if it goes on as it did; a gauge stays as it is."""
    if metric in GAUGES:
        return used
    return round(used * ((period.end - period.start) / _elapsed(period, now)))


def _elapsed(period: Period, now: datetime) -> timedelta:
    return max(now - period.start, timedelta(seconds=1))


def _exhausts_at(
    metric: Metric, used: int, limit: int | None, period: Period, now: datetime
) -> datetime | None:
    """When the limit is reached at the present rate, None if not within the period."""
    if limit is None:
        return None
    if used >= limit:
        return now
    if metric in GAUGES or not used:
        return None
    elapsed = _elapsed(period, now)
    # By ratios: at little use the moment lies beyond the last year that a date can have.
    if limit / used >= (period.end - period.start) / elapsed:
        return None
    return period.start + elapsed * (limit / used)


def _rollups(tenant_id: UUID, now: datetime) -> dict[str, list[dict[str, Any]]]:
    *_, oldest_month = periods.latest(now, MONTHS)
    since = {
        "hour": now - timedelta(hours=HOURS),
        "day": now - timedelta(days=DAYS),
        "month": oldest_month.start - timedelta(seconds=1),
    }
    with isolation.scope(tenant_id, read_only=True):
        rows = store.Rollup.objects.filter(
            Q(
                *(Q(grain=grain, start__gt=start) for grain, start in since.items()),
                _connector=Q.OR,
            ),
            tenant_id=tenant_id,
        )
        found = list(rows.order_by("start", "metric"))
    return {
        name: [_rollup(row) for row in found if row.grain == grain]
        for name, grain in (("hourly", "hour"), ("daily", "day"), ("monthly", "month"))
    }


def _rollup(row: store.Rollup) -> dict[str, Any]:
    return {
        "start": row.start,
        "metric": row.metric,
        "count": row.count,
        "errors": row.errors,
        "value": row.value,
    }
