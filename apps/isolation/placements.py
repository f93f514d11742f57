"""Which Location a tenant's rows are in: the reads."""

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from apps.isolation import models
from apps.isolation.databases import aliases
from apps.isolation.errors import UnknownTenant
from apps.isolation.levels import Level

# Short, because a process without the epochs' watcher learns of a move by this alone.
REMEMBERED_S = 5.0
MOST_REMEMBERED = 50_000

# A Location's fields, seen from a placement.
PLACE = ("location_id", "location__alias", "location__schema_name", "location__data_schema")

_remembered: dict[UUID, tuple["Placement", float]] = {}


@dataclass(frozen=True, slots=True)
class Location:
    """A schema in a database: `alias` is Django's name of the database."""

    id: int
    alias: str
    schema: str
    data_schema: str = ""

    @property
    def fleet_alias(self) -> str:
        """The alias under which the fleet role reaches the same database."""
        return aliases.fleet_alias(self.alias)

    @property
    def owner_alias(self) -> str:
        """The alias of the owner's direct connection to the same database."""
        return aliases.owner_alias(self.alias)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a tenant's rows are, since `epoch`."""

    tenant_id: UUID
    level: Level
    location: Location
    epoch: int


def location_of(row: models.Location) -> Location:
    """The frozen value of a row. Its database is looked up by whoever connects to it: one without
    an address must not stop the work for all others.
    """
    return Location(row.pk, row.alias, row.schema_name, row.data_schema)


def of(tenant_id: UUID) -> Placement:
    """The tenant's placement; raises `UnknownTenant`."""
    held = _remembered.get(tenant_id)
    if held is not None and held[1] > time.monotonic():
        return held[0]
    row = models.Placement.objects.select_related("location").filter(pk=tenant_id).first()
    if row is None:
        raise UnknownTenant(str(tenant_id))
    placement = Placement(row.tenant_id, Level(row.level), location_of(row.location), row.epoch)
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    _remembered[tenant_id] = (placement, time.monotonic() + REMEMBERED_S)
    return placement


def stay(tenant_id: UUID) -> None:
    """Keep the tenant where it is until the transaction at hand ends; a flip waits so long."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM isolation_placement WHERE tenant_id = %s FOR SHARE", [tenant_id]
        )


def forget(tenant_id: UUID) -> None:
    """Drop what this process remembers of the tenant's place."""
    _remembered.pop(tenant_id, None)


def group(tenant_ids: Iterable[UUID]) -> dict[Location, list[UUID]]:
    """Tenants by Location, in one query; those without a placement are absent."""
    rows = models.Placement.objects.filter(pk__in=list(tenant_ids)).values_list("pk", *PLACE)
    return _grouped(rows)


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[Location, list[UUID]]:
    """Rows of a tenant and its `PLACE`, by Location; their databases are known afterwards."""
    residents_of: dict[tuple[Any, ...], list[UUID]] = defaultdict(list)
    for tenant_id, *place in rows:
        residents_of[tuple(place)].append(tenant_id)
    found = {Location(*place): here for place, here in residents_of.items()}
    aliases.ensure_all(location.alias for location in found)
    return found


def residents(location: Location) -> set[UUID]:
    """The tenants that live at the Location. Rows of others may lie there still, or already."""
    rows = models.Placement.objects.filter(location_id=location.id)
    return set(rows.values_list("pk", flat=True))


def dedicated() -> dict[Location, list[UUID]]:
    """Every Location that is not the shared one, with the tenants that live there; the unclaimed
    are left out. One query.
    """
    rows = models.Placement.objects.exclude(level=Level.SHARED_SCHEMA).values_list("pk", *PLACE)
    return _grouped(rows)


def shared() -> Location:
    """The Location of all tenants that share a schema."""
    return location_of(models.Location.objects.get(state=models.Location.State.SHARED))


def levels_of(tenant_ids: Iterable[UUID]) -> dict[UUID, Level]:
    """The level of each placed tenant, in one query."""
    rows = models.Placement.objects.filter(pk__in=list(tenant_ids)).values_list("pk", "level")
    return {tenant_id: Level(level) for tenant_id, level in rows}


def locations() -> list[Location]:
    """Every Location with tables in it, the unclaimed ones too: what maintenance must reach."""
    rows = models.Location.objects.exclude(state=models.Location.State.RETIRED).order_by("id")
    aliases.ensure_all(row.alias for row in rows)
    return [location_of(row) for row in rows]
