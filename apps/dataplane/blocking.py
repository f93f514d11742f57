"""Telling a database of a tenant's own whether the tenant may come in. The control database needs
no telling: there each statement asks the tenant's row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, connection, connections, transaction

from apps.dataplane import places
from apps.dataplane.models import SchemaState
from apps.dataplane.places import Home
from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.tenants import public as tenants
from tenlyr.core import clock, tasks
from tenlyr.core.events import Event, EventType

log = structlog.get_logger(__name__)

TURNS = {
    EventType.TENANT_SUSPENDED,
    EventType.TENANT_REACTIVATED,
    EventType.TENANT_TERMINATED,
    EventType.TENANT_DELETED,
}
MOST_PER_SWEEP = 500
# The class of advisory locks under which a tenant's state is read and told.
TELL = 7_362_015
# One that came here before there were tables has no mark yet; one that has left keeps its own.
SAY = """
INSERT INTO tenlyr_dataplane.place AS p (tenant_id, schema, state, epoch) VALUES (%s, %s, %s, 0)
ON CONFLICT (tenant_id) DO UPDATE SET schema = excluded.schema, state = excluded.state
WHERE p.state IN ('here', 'blocked')
"""
# Whose database was told otherwise, or nobody knows what: a message may be lost, this finds it.
# Those that are away must not stand before all others: who was not tried for longest comes first.
UNTOLD = """
SELECT p.tenant_id, s.schema FROM dataplane_schemastate s
JOIN isolation_location l ON l.id = s.location_id AND l.alias <> 'default'
JOIN isolation_placement p ON p.location_id = l.id
LEFT JOIN tenants_tenant t ON t.id = p.tenant_id
WHERE s.is_open IS DISTINCT FROM coalesce(t.status = 'active', false)
ORDER BY s.tell_tried_at NULLS FIRST, s.schema LIMIT %s
"""


def on_event(event: Event) -> None:
    """Listen: after the commit a task tells the tenant's own database."""
    if event.type in TURNS and event.tenant_id is not None:
        home = places.home_of(event.tenant_id)
        if home is not None and home.location.alias != "default":
            tasks.after_commit("dataplane.block", str(event.tenant_id))


def tell(tenant_id: UUID) -> bool:
    """Open or close the tenant's own database to it; answers whether there was one to tell.

    One at a time for each tenant: who looked before a suspension must not write after whoever
    looked behind it. What its database was told is unknown from the first commit here to the
    second: who is cut off between them leaves that on the row, where the sweep finds it.
    """
    while True:
        with _turn(tenant_id) as home:
            if home is None:
                return False
            connections[home.owner].ensure_connection()  # one that is away was told nothing
            SchemaState.objects.filter(pk=home.schema).update(is_open=None)
        with _turn(tenant_id) as home:
            if home is not None and _is_unknown(home):
                _tell(tenant_id, home)
                return True
        # It moved, or somebody else has settled what he was told: marked and told again.


def tell_residents(location: Location) -> None:
    """The same for whoever lives at a Location, before its first tables come there."""
    if location.alias != "default":
        for tenant_id in isolation.residents(location):
            tell(tenant_id)


@contextmanager
def _turn(tenant_id: UUID) -> Iterator[Home | None]:
    """A transaction in which nobody else tells; yields the home, if it is in another database."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [TELL, str(tenant_id)])
        home = places.home_of(tenant_id)
        yield None if home is None or home.location.alias == "default" else home


def _is_unknown(home: Home) -> bool:
    return SchemaState.objects.filter(pk=home.schema, is_open=None).exists()


def _tell(tenant_id: UUID, home: Home) -> None:
    is_open = tenants.is_active(tenant_id)
    with connections[home.owner].cursor() as cursor:
        cursor.execute(SAY, [tenant_id, home.schema, "here" if is_open else "blocked"])
    SchemaState.objects.filter(pk=home.schema).update(is_open=is_open, tell_tried_at=None)


def tell_all() -> int:
    """Whoever was not told; answers how many are now."""
    with connection.cursor() as cursor:
        cursor.execute(UNTOLD, [MOST_PER_SWEEP])
        found = cursor.fetchall()
    return sum(_tried(tenant_id, schema) for tenant_id, schema in found)


def _tried(tenant_id: UUID, schema: str) -> int:
    SchemaState.objects.filter(pk=schema).update(tell_tried_at=clock.now())
    try:
        return int(tell(tenant_id))
    except (DatabaseError, InterfaceError) as error:  # it is away: the next round finds it
        log.warning("dataplane.not_told", tenant_id=str(tenant_id), reason=type(error).__name__)
        return 0
