"""Migrations: the control plane in `public`, tenant-owned tables in every Location's schema."""

from typing import Any

from django.conf import settings

from apps.isolation import applying
from apps.isolation.applying import CONTROL_OWNER
from apps.isolation.databases import upgrading
from apps.isolation.models import Location


def migrate_everything(verbosity: int = 0) -> int:
    """Bring all schemas up to date; answers how many tenant schemas had something to do.

    A database of a tenant's own that is away is left behind, and tried again until it is there.
    """
    applying.migrate(CONTROL_OWNER, "public", verbosity)
    applying.migrate(CONTROL_OWNER, settings.SHARED_SCHEMA, verbosity)
    if not Location.objects.using(CONTROL_OWNER).filter(state=Location.State.SHARED).exists():
        shared = Location(schema_name=settings.SHARED_SCHEMA, state=Location.State.SHARED)
        Location.objects.using(CONTROL_OWNER).bulk_create([shared])
    behind = applying.behind(CONTROL_OWNER, (row.schema_name for row in _dedicated()))
    for schema in behind:
        applying.migrate(CONTROL_OWNER, schema, verbosity)
    return len(behind) + upgrading.upgrade_all()


def _dedicated() -> Any:
    rows = Location.objects.using(CONTROL_OWNER).filter(alias="default")
    return rows.exclude(state__in=[Location.State.SHARED, Location.State.RETIRED])
