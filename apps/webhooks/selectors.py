"""Reads of endpoints and deliveries, always of one owner: another's are as unknown as none."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from apps.webhooks import endpoints, replaying
from apps.webhooks.models import Attempt, Delivery, OutboxEvent
from tenlyr.core import paging
from tenlyr.core.paging import Page


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose endpoints are meant: a tenant's where one is named, else all of the workspace."""

    workspace_id: UUID
    tenant_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which deliveries are listed; what is None does not narrow.

    `tenant_id` is whom the event is about; `since` (inclusive) and `until` (exclusive) bound the
    moment of the event.
    """

    endpoint_id: UUID | None = None
    status: str | None = None
    type: str | None = None
    tenant_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def endpoints_of(owner: Owner, *, limit: int, cursor: str | None) -> Page:
    """A page of endpoints, newest first; raises `InvalidCursor` for another list's cursor."""
    rows = endpoints.of(owner.workspace_id, owner.tenant_id)
    place = f"webhook_endpoints|{owner!r}"
    return paging.newest_first(rows, place=place, limit=limit, cursor=cursor)


def deliveries_of(owner: Owner, which: Filter, *, limit: int, cursor: str | None) -> Page:
    """A page of deliveries, newest first; raises `InvalidCursor` for another list's cursor.

    A tenant sees those to its own endpoints: what its operator hears about it is not the tenant's.
    """
    rows = _narrowed(replaying.of(owner.workspace_id, owner.tenant_id), which)
    place = f"webhook_deliveries|{owner!r}|{which!r}"
    return paging.newest_id_first(rows, place=place, limit=limit, cursor=cursor)


def attempts_of(delivery: Delivery) -> list[Attempt]:
    """What was sent for a delivery, the first attempt first."""
    return list(Attempt.objects.filter(delivery_id=delivery.id).order_by("at", "number"))


def event_of(delivery: Delivery) -> OutboxEvent | None:
    """What is delivered; None once the tenant's events are purged."""
    return OutboxEvent.objects.filter(pk=delivery.event_id).first()


def _narrowed(rows: "QuerySet[Delivery]", which: Filter) -> "QuerySet[Delivery]":
    wanted = {
        "endpoint_id": which.endpoint_id,
        "status": which.status,
        "type": which.type,
        "tenant_id": which.tenant_id,
        "event_at__gte": which.since,
        "event_at__lt": which.until,
    }
    return rows.filter(**{name: value for name, value in wanted.items() if value is not None})
