"""The alert worker's round (A25, F9): what should be open is, whatever was missed in between."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.health import alerting, listening, notifying, quotas
from apps.health.models import Alert, AlertStatus, Current, Severity
from apps.health.statuses import Status
from tenlyr.core import clock


def patrol(now: datetime | None = None) -> int:
    """One round: tenants in critical, quotas, reminders; answers how many alerts it touched."""
    now = now or clock.now()
    return watch_critical(now) + quotas.scan(now) + notifying.remind(now)


def watch_critical(now: datetime) -> int:
    """Open the alert of each tenant in critical that has none; answers how many.

    The event of the transition opens it already. One that somebody resolved since the tenant is in
    critical stays resolved.
    """
    rows = Current.objects.filter(status=Status.CRITICAL)
    ids = list(rows.order_by("tenant_id").values_list("tenant_id", flat=True))
    return sum(_watch(tenant_id, now) for tenant_id in ids)


def _watch(tenant_id: UUID, now: datetime) -> bool:
    with transaction.atomic():
        # Locked and looked at again: the scan may be about to say that it has recovered.
        rows = Current.objects.select_for_update().filter(status=Status.CRITICAL)
        tenant = rows.filter(pk=tenant_id).first()
        seen = Alert.objects.filter(tenant_id=tenant_id, type=listening.CRITICAL)
        known = Q(status=AlertStatus.OPEN)
        if tenant is None or seen.filter(known | Q(resolved_at__gte=tenant.since)).exists():
            return False
        data = {
            "errorRate": None if tenant.error_rate is None else float(tenant.error_rate),
            "requestRate": tenant.request_rate,
            "slaRisk": True,
        }
        title, message = listening.critical(data)
        alerting.raise_alert(
            workspace_id=tenant.workspace_id,
            tenant_id=tenant_id,
            kind=listening.CRITICAL,
            severity=Severity.CRITICAL,
            title=title,
            message=message,
            metadata=data,
            now=now,
        )
    return True
