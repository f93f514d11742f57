"""What webhooks hold of a tenant: its own endpoints, and the log of what was sent about it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.webhooks.models import Attempt, Delivery, Endpoint
from tenlyr.core import clock
from tenlyr.core.registry import Holding

CHUNK = 2_000


def _export_endpoints(tenant_id: UUID) -> Iterator[dict[str, Any]]:
    for row in Endpoint.objects.filter(tenant_id=tenant_id).order_by("id"):
        yield {
            "id": str(row.id),
            "url": row.url,
            "description": row.description,
            "events": row.events,
            "status": row.status,
            "createdAt": clock.iso(row.created_at),
        }


def _purge_endpoints(tenant_id: UUID) -> int:
    return Endpoint.objects.filter(tenant_id=tenant_id).delete()[0]


def _purge_deliveries(tenant_id: UUID) -> int:
    """All but those of the deletion itself, which the operator still waits for; in chunks."""
    mine = Delivery.objects.filter(tenant_id=tenant_id).exclude(type="tenant.deleted")
    gone = 0
    while ids := list(mine.values_list("id", flat=True)[:CHUNK]):
        with transaction.atomic():
            gone += Attempt.objects.filter(delivery_id__in=ids).delete()[0]
            gone += Delivery.objects.filter(id__in=ids).delete()[0]
    return gone


ENDPOINTS = Holding(
    "webhook_endpoints", ("webhooks_endpoint",), _export_endpoints, _purge_endpoints
)
# The log repeats events, which are exported themselves.
DELIVERIES = Holding(
    "webhook_deliveries", ("webhooks_delivery", "webhooks_attempt"), None, _purge_deliveries
)
