"""Reads of alerts and channels, always of one workspace, and of one tenant where that one asks."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from apps.health.errors import AlertNotFound, ChannelNotFound
from apps.health.models import Alert, AlertStatus, Channel, Message, Severity
from tenlyr.core import paging
from tenlyr.core.paging import Page

# Of these a tenant's key sees none: what raised them is told to operators only.
FOR_OPERATORS = frozenset({"noisy_neighbour", "cross_tenant_violation", "proof_failed"})


@dataclass(frozen=True, slots=True)
class Filter:
    """Which alerts are listed; what is None does not narrow. `only` is the tenant that asks,
    `tenant_id` the one that an operator asks for.
    """

    only: UUID | None = None

    tenant_id: UUID | None = None
    status: AlertStatus | None = None
    severity: Severity | None = None
    type: str | None = None


def visible(workspace_id: UUID, tenant_id: UUID | None) -> "QuerySet[Alert]":
    """The alerts of a workspace, or what the tenant that asks may see of its own."""
    rows = Alert.objects.filter(workspace_id=workspace_id)
    if tenant_id is None:
        return rows
    return rows.filter(tenant_id=tenant_id).exclude(type__in=FOR_OPERATORS)


def get(workspace_id: UUID, alert_id: UUID, *, tenant_id: UUID | None = None) -> Alert:
    """One alert; raises `AlertNotFound`."""
    alert = visible(workspace_id, tenant_id).filter(pk=alert_id).first()
    if alert is None:
        raise AlertNotFound()
    return alert


def page(workspace_id: UUID, which: Filter, *, limit: int, cursor: str | None) -> Page:
    """A page of alerts, the newest opening first; raises `InvalidCursor`."""
    rows = visible(workspace_id, which.only)
    narrowed: dict[str, Any] = {
        name: wanted
        for name, wanted in (
            ("tenant_id", which.tenant_id),
            ("status", which.status),
            ("severity", which.severity),
            ("type", which.type),
        )
        if wanted is not None
    }
    place = f"alerts|{workspace_id}|{which!r}"
    return paging.newest_first(rows.filter(**narrowed), place=place, limit=limit, cursor=cursor)


def channel(workspace_id: UUID, channel_id: UUID) -> Channel:
    """One channel; raises `ChannelNotFound`."""
    found = Channel.objects.filter(workspace_id=workspace_id, pk=channel_id).first()
    if found is None:
        raise ChannelNotFound()
    return found


def channels(workspace_id: UUID, *, limit: int, cursor: str | None) -> Page:
    """A page of channels, newest first; raises `InvalidCursor`."""
    rows = Channel.objects.filter(workspace_id=workspace_id)
    place = f"alert channels|{workspace_id}"
    return paging.newest_first(rows, place=place, limit=limit, cursor=cursor)


def messages(workspace_id: UUID, channel_id: UUID, *, limit: int, cursor: str | None) -> Page:
    """A page of what a channel was sent, newest first; raises `ChannelNotFound`."""
    rows = Message.objects.filter(channel=channel(workspace_id, channel_id))
    place = f"alert messages|{workspace_id}|{channel_id}"
    return paging.newest_first(rows, place=place, limit=limit, cursor=cursor)
