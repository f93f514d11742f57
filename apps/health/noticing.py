"""Telling of noisy neighbours, once when it begins and once when it is over (A26)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.health import noise
from apps.health.changing import number
from apps.health.looking import Sight
from apps.health.models import Current, History
from apps.health.noise import Load, Usual
from apps.tenants import public as tenants
from tenlyr.core import events
from tenlyr.core.events import EventType

PAST = timedelta(days=7)


def notice(sight: Sight) -> int:
    """Judge whoever makes much of its database's load, and whoever was noisy; answers how many
    began or ended to be. Of tenants in a database that is away nothing is said.
    """
    loads = {
        tenant: Load(
            count / sight.window.minutes, found.events / sight.window.minutes, found.tenants
        )
        for found in sight.found.values()
        for tenant, count in found.heavy.items()
    }
    before = set(Current.objects.filter(is_noisy=True).values_list("tenant_id", flat=True))
    judged = (set(loads) | before) - set(sight.unseen)
    return sum(_judge(one, loads.get(one), sight.window.until) for one in sorted(judged))


def _judge(tenant_id: UUID, load: Load | None, now: datetime) -> bool:
    """Tell of a change. Without a load the tenant made too little of it to be named."""
    past = noise.usual(_hourly(tenant_id, now))
    with transaction.atomic():
        row = Current.objects.select_for_update(no_key=True).filter(pk=tenant_id).first()
        if row is None:
            return False
        noisy = None
        if load and past and noise.is_noisy(load, past, was_noisy=row.is_noisy):
            noisy = noise.words(_name(tenant_id), load, past), load, past
        if (noisy is not None) == row.is_noisy:
            return False
        Current.objects.filter(pk=tenant_id).update(is_noisy=noisy is not None)
        if noisy is None:
            _emit(
                EventType.NEIGHBOUR_QUIET, row, {"message": noise.words_of_quiet(_name(tenant_id))}
            )
        else:
            _emit(EventType.NOISY_NEIGHBOUR, row, _told(*noisy))
    return True


def _hourly(tenant_id: UUID, now: datetime) -> Sequence[float]:
    """The load of the tenant's past hours, in events a minute; those without events are absent."""
    rows = History.objects.filter(
        tenant_id=tenant_id, kind=History.Kind.HOUR, at__gte=now - PAST, at__lt=now
    )
    return [events / 60 for events in rows.values_list("events", flat=True)]


def _name(tenant_id: UUID) -> str:
    return tenants.names([tenant_id]).get(tenant_id, str(tenant_id))


def _told(message: str, load: Load, past: Usual) -> dict[str, Any]:
    return {
        "message": message,
        "share": number(round(100 * load.share, 1)),
        "eventsPerMinute": number(round(load.per_minute, 1)),
        "fleetEventsPerMinute": number(round(load.fleet_per_minute, 1)),
        "activeTenants": load.active_tenants,
        "usualEventsPerMinute": number(round(past.per_minute, 1)),
    }


def _emit(kind: EventType, row: Current, data: dict[str, Any]) -> None:
    events.emit(
        kind,
        workspace_id=row.workspace_id,
        tenant_id=row.tenant_id,
        data={"tenantId": str(row.tenant_id), **data},
    )
