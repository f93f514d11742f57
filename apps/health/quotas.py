"""Alerts on quotas: one per tenant and metric, at 80, 90 and 95 % of the plan's limit (J24).

It opens at the first threshold, gets graver at the others, and is settled when the use is below all
of them: a new period, a greater plan, seats given back. Resolved by hand, it comes back only for a
higher threshold or in a later period.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction

from apps.health import alerting
from apps.health.models import Alert, AlertStatus, Severity
from apps.metering import public as metering
from apps.tenants import public as tenants
from apps.tenants.public import Limit
from tenlyr.core.metrics import GAUGES, Metric, from_counter, to_counter

log = structlog.get_logger(__name__)

# Percent of the limit -> how bad it is; the highest first.
THRESHOLDS: Mapping[int, Severity] = {
    95: Severity.CRITICAL,
    90: Severity.WARNING,
    80: Severity.INFO,
}
PREFIX = "quota_"
NAMES = {
    Metric.API_CALL: "API calls",
    Metric.STORAGE_GB: "GB of storage",
    Metric.SEATS: "seats",
    Metric.COMPUTE: "units of compute",
}
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """One metric of a tenant: use and limit in counter units, and the threshold it has reached."""

    metric: Metric
    used: int
    limit: int
    is_strict: bool
    threshold: int

    @property
    def percentage(self) -> float:
        """Use in percent of the limit, with one decimal, rounded down."""
        return self.used * 1_000 // self.limit / 10 if self.limit else 100.0


def kind_of(metric: Metric) -> str:
    """The type of the alert on a metric."""
    return f"{PREFIX}{metric}"


def threshold_of(used: int, limit: int | None) -> int | None:
    """The highest threshold that `used` of `limit` has reached; exact, no float is near."""
    if limit is None or not used:
        return None
    return next((one for one in THRESHOLDS if used * 100 >= limit * one), None)


def scan(now: datetime) -> int:
    """Look at every tenant; answers how many alerts were opened, made graver or settled.

    A tenant whose use cannot be read just now is looked at the next time.
    """
    return sum(scan_some(chunk, now) for chunk in _chunks())


def standings(
    used: Mapping[Metric, int], limits: Mapping[Metric, Limit]
) -> Iterator[tuple[Metric, Standing | None]]:
    """Each metric with where it stands, None below all thresholds."""
    for metric in Metric:
        limit = limits.get(metric, Limit())
        most = None if limit.most is None else to_counter(metric, limit.most)
        amount = used.get(metric, 0)
        reached = threshold_of(amount, most)
        if reached is None or most is None:
            yield metric, None
        else:
            yield metric, Standing(metric, amount, most, limit.is_strict, reached)


def _chunks() -> Iterator[Sequence[tuple[UUID, UUID, bool]]]:
    after = None
    while found := tenants.after(after, CHUNK):
        yield found
        after = found[-1][0]


def scan_some(found: Sequence[tuple[UUID, UUID, bool]], now: datetime) -> int:
    """Look at some tenants (id, workspace, whether active); answers as `scan`."""
    ids = [tenant_id for tenant_id, _, _ in found]
    try:
        used, limits = metering.totals(ids), tenants.limits_by_tenant(ids)
    except DatabaseError as error:
        log.warning("health.quotas_not_read", tenants=len(ids), reason=type(error).__name__)
        return 0
    latest = _latest(ids)
    changed = 0
    for tenant_id, workspace_id, is_active in found:
        for metric, standing in standings(used.get(tenant_id, {}), limits.get(tenant_id, {})):
            last = latest.get((tenant_id, kind_of(metric)))
            changed += _adjust(workspace_id, tenant_id, metric, standing, last, is_active, now)
    return changed


def _latest(ids: list[UUID]) -> dict[tuple[UUID, str], Alert]:
    """The newest alert on each metric of some tenants, open or not."""
    kinds = [kind_of(metric) for metric in Metric]
    rows = Alert.objects.filter(tenant_id__in=ids, type__in=kinds)
    newest = rows.order_by("tenant_id", "type", "-created_at", "-id").distinct("tenant_id", "type")
    return {(row.tenant_id, row.type): row for row in newest if row.tenant_id is not None}


def _adjust(
    workspace_id: UUID,
    tenant_id: UUID,
    metric: Metric,
    standing: Standing | None,
    last: Alert | None,
    is_active: bool,
    now: datetime,
) -> int:
    """Make one alert what it should be; answers how many changes that took, 0 or 1 usually."""
    period = f"{metering.period_of(now).start:%Y-%m}"
    is_same = last is not None and (metric in GAUGES or last.metadata.get("period") == period)
    is_open = last is not None and last.status == AlertStatus.OPEN
    is_over = is_open and (standing is None or not is_same)
    told = last if is_same else None
    reached = standing if is_active and not _is_told(told, standing) else None
    if not is_over and reached is None:
        return 0
    named: dict[str, Any] = {
        "workspace_id": workspace_id,
        "tenant_id": tenant_id,
        "kind": kind_of(metric),
    }
    with transaction.atomic():
        changed = int(is_over and alerting.settle(**named))
        if reached is not None:
            severity = THRESHOLDS[reached.threshold]
            alerting.raise_alert(**named, severity=severity, now=now, **_words(reached, period))
            changed += 1
    return changed


def _is_told(last: Alert | None, standing: Standing | None) -> bool:
    """Whether the last alert of this period said as much, and is open or was resolved by hand."""
    if last is None or standing is None:
        return False
    is_over = last.status == AlertStatus.RESOLVED and last.resolved_by == alerting.SYSTEM
    return not is_over and int(last.metadata.get("threshold", 0)) >= standing.threshold


def _words(standing: Standing, period: str) -> dict[str, Any]:
    metric = standing.metric
    used, limit = from_counter(metric, standing.used), from_counter(metric, standing.limit)
    name = NAMES[metric]
    then = "Calls beyond it are refused." if standing.is_strict else "Nothing is refused."
    return {
        "title": f"{standing.percentage:g} % of the plan's {name} are used",
        "message": f"{used:,} of {limit:,} {name} are used in {period}. {then}",
        "metadata": {
            "metric": str(metric),
            "threshold": standing.threshold,
            "percentage": standing.percentage,
            "used": used,
            "limit": limit,
            "period": period,
        },
    }
