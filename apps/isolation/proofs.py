"""What a proof needs of isolation: tenants that are in no table, and the Locations that wait."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from apps.isolation import models, placements
from apps.isolation.levels import Level
from apps.isolation.placements import Location, Placement


@contextmanager
def settled(location: Location, *tenant_ids: UUID) -> Iterator[None]:
    """Until the end of the block, `scope()` in this process finds these tenants at `location`.

    A placement in the table would keep a Location from being dropped while a proof runs.
    """
    for tenant_id in tenant_ids:
        placement = Placement(tenant_id, Level.SHARED_SCHEMA, location, 1)
        placements._remembered[tenant_id] = (placement, math.inf)
    try:
        yield
    finally:
        for tenant_id in tenant_ids:
            placements.forget(tenant_id)


def unclaimed() -> list[Location]:
    """The Locations that wait for a tenant, the newest first."""
    rows = models.Location.objects.filter(state=models.Location.State.WARM).order_by("-id")
    return [placements.location_of(row) for row in rows]
