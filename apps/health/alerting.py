"""Raising and resolving alerts: at most one of a type is open for a tenant (A25, B25, X29)."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from apps.health import notifying, wording
from apps.health.alert_selectors import FOR_OPERATORS, visible
from apps.health.errors import AlertNotFound
from apps.health.models import Alert, AlertStatus, Severity
from apps.tenants import public as tenants
from tenlyr.core import audit, clock, context, events, ids
from tenlyr.core.events import Audience, EventType
from tenlyr.core.registry import Holding

RAISE = (Path(__file__).parent / "sql" / "raise_alert.sql").read_text()
RISING = list(Severity.values)
SYSTEM = "system"


def raise_alert(
    *,
    workspace_id: UUID,
    tenant_id: UUID | None,
    kind: str,
    severity: Severity,
    title: str,
    message: str,
    metadata: dict[str, Any] | None = None,
    now: datetime | None = None,
) -> Alert:
    """Open an alert, or count on the one of this `kind` that is open, in the caller's transaction.

    `alert.created` is emitted for each opening only; a repeat brings its words and may make the
    severity rise. Each channel hears of an opening and of each rise once.
    """
    now = now or clock.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            RAISE,
            {
                "id": ids.uuid7(),
                "workspace_id": workspace_id,
                "tenant_id": tenant_id,
                "type": kind,
                "severity": severity,
                "title": title,
                "message": message,
                "metadata": json.dumps(metadata or {}),
                "rising": RISING,
                "now": now,
            },
        )
        alert = Alert.objects.get(pk=cursor.fetchone()[0])
        if alert.count == 1:
            _tell_of(alert)
        notifying.notice(alert, now)
    return alert


def create(*, workspace_id: UUID, tenant_id: UUID, **said: Any) -> Alert:
    """Raise an alert of a tenant on somebody's word (A25); raises `TenantNotFound`."""
    with transaction.atomic():
        tenants.get(workspace_id, tenant_id)
        alert = raise_alert(workspace_id=workspace_id, tenant_id=tenant_id, **said)
        _record("alert.raised", alert, type=alert.type, severity=alert.severity, count=alert.count)
    return alert


def resolve(*, workspace_id: UUID, alert_id: UUID, tenant_id: UUID | None = None) -> Alert:
    """Resolve an alert, of `tenant_id` only where one is given; a resolved one stays as it is.

    Raises `AlertNotFound`.
    """
    with transaction.atomic():
        rows = visible(workspace_id, tenant_id).select_for_update()
        alert = rows.filter(pk=alert_id).first()
        if alert is None:
            raise AlertNotFound()
        if alert.status == AlertStatus.OPEN:
            alert.status, alert.resolved_at = AlertStatus.RESOLVED, clock.now()
            alert.resolved_by = context.current().actor_type
            alert.save(update_fields=["status", "resolved_at", "resolved_by"])
            _record("alert.resolved", alert, type=alert.type)
    return alert


def resolve_all(*, workspace_id: UUID, tenant_id: UUID | None = None) -> int:
    """Resolve whatever is open, of `tenant_id` only where one is given; answers how many."""
    with transaction.atomic():
        still = visible(workspace_id, tenant_id).filter(status=AlertStatus.OPEN)
        # In the order in which a scan raises them: whoever meets it waits, and not in a circle.
        rows = still.order_by("tenant_id", "id").select_for_update()
        found = list(rows.values_list("pk", flat=True))
        _close(Alert.objects.filter(pk__in=found), context.current().actor_type)
        if found:
            audit.record(
                "alert.all_resolved",
                workspace_id=workspace_id,
                tenant_id=tenant_id,
                resolved=len(found),
            )
    return len(found)


def settle(*, workspace_id: UUID, tenant_id: UUID | None, kind: str) -> bool:
    """Resolve the open alert of a kind because what raised it is over; whether there was one."""
    rows = Alert.objects.filter(workspace_id=workspace_id, tenant_id=tenant_id, type=kind)
    return bool(_close(rows.filter(status=AlertStatus.OPEN), SYSTEM))


def _close(rows: "QuerySet[Alert]", by: str) -> int:
    return rows.update(status=AlertStatus.RESOLVED, resolved_at=clock.now(), resolved_by=by)


def _tell_of(alert: Alert) -> None:
    tenant = str(alert.tenant_id) if alert.tenant_id else None
    events.emit(
        EventType.ALERT_CREATED,
        workspace_id=alert.workspace_id,
        tenant_id=alert.tenant_id,
        data={
            "alertId": str(alert.id),
            "tenantId": tenant,
            "type": alert.type,
            "severity": alert.severity,
            "title": alert.title,
            "message": alert.message,
        },
        audience=Audience.OPERATORS if alert.type in FOR_OPERATORS else None,
    )


def _record(action: str, alert: Alert, **details: Any) -> None:
    # Last in every verb: the trail's tip stays locked until commit.
    audit.record(
        action,
        workspace_id=alert.workspace_id,
        tenant_id=alert.tenant_id,
        target=str(alert.id),
        **details,
    )


def _export(tenant_id: UUID) -> Iterator[dict[str, Any]]:
    rows = Alert.objects.filter(tenant_id=tenant_id).order_by("created_at", "id")
    for row in rows.iterator(chunk_size=500):
        yield wording.shown(row)


def _purge(tenant_id: UUID) -> int:
    """The tenant's alerts, and with them what waits to be told of them."""
    _, kinds = Alert.objects.filter(tenant_id=tenant_id).delete()
    return kinds.get("health.Alert", 0)


HOLDING = Holding("alerts", ("health_alert",), _export, _purge)
