"""Giving a tenant a place, and taking it back: part of the transaction that provisions or
purges.
"""

import os
import threading
from functools import cache
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction

from apps.isolation import models, placements
from apps.isolation.levels import Level
from apps.isolation.models import Location
from apps.isolation.placements import Placement
from tenlyr.core import errors, tasks

# F2 allows 20 at once; more builders than cores only make all of them slower, and this process is
# not the only one that builds.
BUILDERS = threading.BoundedSemaphore(
    settings.SCHEMA_BUILDERS or max(1, (os.cpu_count() or 1) // 2)
)
# One refiller at a time in the whole installation.
REFILL_LOCK = 7_362_001
# Later than a burst of callers takes: its cores are the callers' own.
REFILL_DELAY_S = 1.0

CLAIM = """
UPDATE isolation_location SET state = 'claimed' WHERE id = (
    SELECT id FROM isolation_location WHERE state = 'warm'
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING *
"""


def place(tenant_id: UUID, level: Level) -> Placement:
    """Give a new tenant its place at `level`, inside the caller's transaction."""
    location = _location_for(level)
    models.Placement.objects.create(tenant_id=tenant_id, location=location, level=level)
    return Placement(tenant_id, level, placements.location_of(location), 1)


def release(tenant_id: UUID) -> None:
    """Take the place back, with the schema where it was the tenant's own. A second call does
    nothing.
    """
    with transaction.atomic():
        row = models.Placement.objects.select_related("location").filter(pk=tenant_id).first()
        if row is None:
            return
        row.delete()
        if row.location.state == Location.State.CLAIMED:
            Location.objects.filter(pk=row.location.pk).update(state=Location.State.RETIRED)
            _drop(row.location)
    placements.forget(tenant_id)


def refill() -> int:
    """Build warm schemas until the pool is full, one transaction each; answers how many were
    built.
    """
    built = 0
    while _build_warm():
        built += 1
    return built


def _drop(location: Location) -> None:
    """The retired Location's schema; where it is a database of its own, that goes as a whole."""
    if location.alias != "default":
        tasks.after_commit("isolation.retire_databases")
        return
    _call("isolation_drop_schema", location.schema_name)
    Location.objects.filter(pk=location.pk).delete()


def _location_for(level: Level) -> Location:
    if level is Level.SHARED_SCHEMA:
        return _shared()
    if level is Level.DEDICATED_SCHEMA:
        tasks.after_commit("isolation.refill", delay_s=REFILL_DELAY_S)
        return _claim_warm() or _claim_or_build()
    raise errors.NotImplementedYet(
        "A tenant is born at a schema, and moves to a database of its own."
    )


@cache
def _shared() -> Location:
    # Made by the set-up, once and for ever.
    return Location.objects.get(state=Location.State.SHARED)


def _claim_warm() -> Location | None:
    return next(iter(Location.objects.raw(CLAIM)), None)


def _claim_or_build() -> Location:
    is_first = BUILDERS.acquire(blocking=False)
    if not is_first:
        BUILDERS.acquire()
    try:
        # While a caller waits for its turn, the pool may be filled.
        return (None if is_first else _claim_warm()) or _build(Location.State.CLAIMED)
    finally:
        BUILDERS.release()


def _build(state: Location.State) -> Location:
    # The name is random and final: a schema is never renamed, and no name comes from a caller.
    name = f"t_{uuid4().hex}"
    _call("isolation_build_schema", name)
    # Not `create`: django-tenants' save() looks for the name in every case, a scan of all
    # Locations.
    return Location.objects.bulk_create([Location(schema_name=name, state=state)])[0]


def _build_warm() -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [REFILL_LOCK])
        if not cursor.fetchone()[0]:
            return False
        if Location.objects.filter(state=Location.State.WARM).count() >= settings.WARM_SCHEMAS:
            return False
        with BUILDERS:
            _build(Location.State.WARM)
    return True


def _call(function: str, schema: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [schema])
