"""Whose backup: a placed tenant with a place of its own, and the tables that it has there."""

import hashlib
from collections.abc import Mapping
from uuid import UUID

from apps.isolation import applying, models, parts, placements
from apps.isolation.backups.errors import BackupFailed
from apps.isolation.levels import Level
from apps.isolation.moves import shapes
from apps.isolation.moves.links import Links
from apps.isolation.moves.quoting import name
from apps.isolation.moves.shapes import Shape
from apps.isolation.placements import Location, Placement

SHARED = (
    "A tenant of shared_schema has no place of its own to back up or restore:"
    " move it to dedicated_schema first."
)


def placement_of(tenant_id: UUID) -> Placement:
    """Where the tenant lives, as the table says now. Raises `BackupFailed`."""
    row = models.Placement.objects.select_related("location").filter(pk=tenant_id).first()
    if row is None:
        raise BackupFailed("There is no such tenant.")
    if Level(row.level) is Level.SHARED_SCHEMA:
        raise BackupFailed(SHARED)
    location = placements.location_of(row.location)
    return Placement(tenant_id, Level(row.level), location, row.epoch)


def tables_at(links: Links, tenant_id: UUID, here: Location) -> dict[str, list[Shape]]:
    """The tables by the part they belong to, as the catalogue has them now."""
    return {
        part.name: shapes.read(
            links.source_owner, links.source_owner, part.tables(tenant_id, here, here)
        )
        for part in parts.parts()
    }


def versions_at(links: Links, here: Location, more: Mapping[str, str]) -> dict[str, str]:
    """What a restore must find the same: the migrations of the place, and what callers know."""
    rows = links.source_owner.execute(
        f"SELECT app, name FROM {name(here.schema, 'django_migrations')} WHERE app = ANY (%s)",
        [applying.tenant_labels()],
    )
    names = sorted(f"{app}.{migration}" for app, migration in rows)
    newest = {label.split(".")[0]: label for label in names}
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    return {"migrations": f"{', '.join(newest.values())} ({digest})", **more}
