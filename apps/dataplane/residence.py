"""A new tenant with a place of its own gets the operator's tables there, in its transaction."""

from uuid import UUID

from django.db import connection

from apps.dataplane import applying, names, places
from apps.dataplane.applying import CONTROL
from apps.dataplane.models import SchemaState
from tenlyr.core.events import Event, EventType

# The plane is locked against a release meanwhile: the schema has the version that is current then.
NEWCOMER = """
SELECT l.id, l.schema_name, d.version FROM isolation_placement p
JOIN isolation_location l ON l.id = p.location_id
JOIN dataplane_plane d ON d.workspace_id = %s
WHERE p.tenant_id = %s AND l.state = 'claimed' AND l.alias = 'default' AND d.version > 0
FOR SHARE OF d
"""


def on_event(event: Event) -> None:
    """Listen: a tenant was provisioned, and its transaction is still open."""
    if event.type is EventType.TENANT_PROVISIONED and event.tenant_id is not None:
        furnish(event.workspace_id, event.tenant_id)


def furnish(workspace_id: UUID, tenant_id: UUID) -> None:
    """Build the schema beside the tenant's own, where its workspace has released tables."""
    with connection.cursor() as cursor:
        cursor.execute(NEWCOMER, [workspace_id, tenant_id])
        row = cursor.fetchone()
    if row is None:
        return
    location_id, location_schema, version = row
    schema = names.schema_beside(location_schema)
    applying.build(workspace_id, schema, using=CONTROL)
    state = SchemaState(schema=schema, workspace_id=workspace_id, location_id=location_id)
    applying.apply(state, version, using=CONTROL)
    places.mark(location_id, schema)
