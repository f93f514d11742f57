"""A change of status: the row, the history and the event in one transaction (E2, X36).

Each change holds against the status that the scan saw: one that another scan made meanwhile is
left alone. `health.critical` and `health.recovered` of a tenant take turns, whatever lies between:
recovered is who was seen to be well again, or was silent for long.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from apps.health.looking import Sight
from apps.health.models import Current, History
from apps.health.statuses import AT_RISK, Status
from apps.tenants import public as tenants
from tenlyr.core import events
from tenlyr.core.events import EventType

# So short that a transaction's locks bother nobody, so long that commits cost little.
BATCH = 200
# An alarm of a tenant that sends nothing any more ends after so many windows of silence.
SILENT_WINDOWS = 12
WELL = frozenset({Status.HEALTHY, Status.WARNING})

UPDATE = """
UPDATE health_current c
SET status = n.status, error_rate = n.error_rate, request_rate = n.request_rate,
    p50_ms = n.p50_ms, p95_ms = n.p95_ms, is_alarmed = n.is_alarmed,
    since = CASE WHEN c.status = n.status THEN c.since ELSE %s END
FROM unnest(%s::uuid[], %s::text[], %s::numeric[], %s::float8[], %s::float8[], %s::float8[],
            %s::boolean[]) AS n (tenant_id, status, error_rate, request_rate, p50_ms, p95_ms,
                                 is_alarmed)
WHERE c.tenant_id = n.tenant_id
"""


@dataclass(frozen=True, slots=True)
class Change:
    """What a scan saw of a tenant that differs from its row; `before` is None without a row."""

    tenant_id: UUID
    before: Status | None
    after: Status
    error_rate: Decimal | None
    request_rate: float | None
    p50_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Due:
    """A change that holds, the tenant's workspace, and what is to be told of it."""

    change: Change
    workspace_id: UUID
    is_alarmed: bool
    telling: EventType | None


def silent_since(now: datetime) -> datetime:
    """Who was `unknown` since then is silent for long."""
    return now - timedelta(seconds=SILENT_WINDOWS * settings.HEALTH_WINDOW_S)


def apply(changes: Sequence[Change], sight: Sight) -> int:
    """Make the changes that still hold, some in each transaction; answers how many."""
    unseen, applied = frozenset(sight.unseen), 0
    ordered = sorted(changes, key=lambda change: change.tenant_id)
    for start in range(0, len(ordered), BATCH):
        with transaction.atomic():
            due = list(_holding(ordered[start : start + BATCH], sight.window.until, unseen))
            _write(due, sight.window.until)
            applied += len(due)
    return applied


def _holding(changes: Sequence[Change], now: datetime, unseen: frozenset[UUID]) -> Iterator[Due]:
    """Those whose row is as the scan saw it, locked; new tenants get their row."""
    new = [change.tenant_id for change in changes if change.before is None]
    made = _add(new, now) if new else frozenset()
    rows = Current.objects.select_for_update(no_key=True).order_by("tenant_id")
    held = {row.tenant_id: row for row in rows.filter(tenant_id__in=[c.tenant_id for c in changes])}
    for change in changes:
        row = held.get(change.tenant_id)
        if row is None or (change.before is None and row.tenant_id not in made):
            continue
        if row.status == (change.before or Status.UNKNOWN):
            is_silent = row.since < silent_since(now) and row.tenant_id not in unseen
            telling = to_tell(change, is_alarmed=row.is_alarmed, is_silent=is_silent)
            is_alarmed = row.is_alarmed if telling is None else telling is EventType.HEALTH_CRITICAL
            yield Due(change, row.workspace_id, is_alarmed, telling)


def to_tell(change: Change, *, is_alarmed: bool, is_silent: bool) -> EventType | None:
    """The event that a change brings. No news is no recovery, unless it lasts (`is_silent`)."""
    if change.after is Status.CRITICAL:
        return None if is_alarmed else EventType.HEALTH_CRITICAL
    is_over = change.after in WELL or (change.before is change.after and is_silent)
    return EventType.HEALTH_RECOVERED if is_alarmed and is_over else None


def _add(tenant_ids: Sequence[UUID], now: datetime) -> frozenset[UUID]:
    """Rows for tenants that are seen for the first time; answers whose were made here."""
    workspaces = tenants.workspaces_of(tenant_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO health_current (tenant_id, workspace_id, status, since, is_alarmed,"
            " is_noisy) SELECT *, %s, %s, false, false FROM unnest(%s::uuid[], %s::uuid[])"
            " ON CONFLICT DO NOTHING RETURNING tenant_id",
            [Status.UNKNOWN, now, list(workspaces), list(workspaces.values())],
        )
        return frozenset(tenant for (tenant,) in cursor.fetchall())


def _write(due: Sequence[Due], now: datetime) -> None:
    changes = [one.change for one in due]
    with connection.cursor() as cursor:
        cursor.execute(
            UPDATE,
            [
                now,
                [change.tenant_id for change in changes],
                [change.after for change in changes],
                [change.error_rate for change in changes],
                [change.request_rate for change in changes],
                [change.p50_ms for change in changes],
                [change.p95_ms for change in changes],
                [one.is_alarmed for one in due],
            ],
        )
    turned = [one for one in due if one.change.after is not (one.change.before or Status.UNKNOWN)]
    # `ignore_conflicts`: a second look at the same moment sees the same.
    History.objects.bulk_create((_history(one, now) for one in turned), ignore_conflicts=True)
    for one in due:
        if one.telling is not None:
            _emit(one.telling, one)


def _history(one: Due, now: datetime) -> History:
    change = one.change
    return History(
        tenant_id=change.tenant_id,
        at=now,
        kind=History.Kind.CHANGE,
        workspace_id=one.workspace_id,
        status=change.after,
        error_rate=change.error_rate,
        request_rate=change.request_rate,
        p50_ms=change.p50_ms,
        p95_ms=change.p95_ms,
    )


def _emit(kind: EventType, one: Due) -> None:
    change = one.change
    data: dict[str, Any] = {
        "tenantId": str(change.tenant_id),
        "errorRate": number(change.error_rate),
        "requestRate": number(change.request_rate),
        "slaRisk": change.after in AT_RISK,
    }
    if kind is EventType.HEALTH_RECOVERED:
        data["status"] = change.after.value
    events.emit(kind, workspace_id=one.workspace_id, tenant_id=change.tenant_id, data=data)


def number(value: Decimal | float | None) -> float | int | None:
    """As the wire shows it: whole numbers as integers."""
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)
