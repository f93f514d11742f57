"""What the tests of alerts share: alerts at hand, and what was told of them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.audit.models import AuditEntry
from apps.health import alerting
from apps.health.models import Alert, Severity
from apps.webhooks.models import OutboxEvent
from tests.cast import Account, Customer

NOW = datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC)
SAID: dict[str, Any] = {
    "kind": "disk_full",
    "severity": Severity.WARNING,
    "title": "The disk is full",
    "message": "97 % of 100 GB",
}


def raised(whose: Customer | Account, **changes: Any) -> Alert:
    """An alert of a tenant, or of a workspace."""
    is_tenant = isinstance(whose, Customer)
    with transaction.atomic():
        return alerting.raise_alert(
            workspace_id=whose.workspace.id if isinstance(whose, Customer) else whose.id,
            tenant_id=whose.id if is_tenant else None,
            **{**SAID, **changes},
        )


def told(workspace_id: UUID) -> list[dict[str, Any]]:
    """The data of each `alert.created` of a workspace, oldest first."""
    rows = OutboxEvent.objects.filter(workspace_id=workspace_id, type="alert.created")
    return list(rows.order_by("seq").values_list("data", flat=True))


def recorded(workspace_id: UUID) -> list[str]:
    """What the trail has of alerts and channels, oldest first."""
    rows = AuditEntry.objects.filter(workspace_id=workspace_id, body__action__startswith="alert")
    return [row.body["action"] for row in rows.order_by("seq")]
