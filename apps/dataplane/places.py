"""Where a tenant's operator rows are: schema, version and database, wherever the tenant lives."""

from dataclasses import dataclass
from uuid import UUID

from django.db import connections, transaction

from apps.dataplane import applying, names
from apps.dataplane.models import SchemaState
from apps.isolation import public as isolation
from apps.isolation.public import Location
from apps.tenants import public as tenants


@dataclass(frozen=True, slots=True)
class Home:
    """A schema with a tenant's operator rows. `version` is what the schema is known to have."""

    workspace_id: UUID
    location: Location
    schema: str
    version: int
    is_own: bool

    @property
    def fleet(self) -> str:
        """The alias of the fleet's role in its database."""
        return self.location.fleet_alias

    @property
    def owner(self) -> str:
        """The alias of the owner's role in its database, on a direct connection."""
        return isolation.owner_alias(self.location.alias)


def home_of(tenant_id: UUID) -> Home | None:
    """The home at the tenant's placement, a deleted tenant's too; None without operator's rows."""
    workspace_id = tenants.workspace_of(tenant_id)
    locations = list(isolation.group([tenant_id]))
    if workspace_id is None or not locations:
        return None
    return home_at(workspace_id, locations[0])


def home_at(workspace_id: UUID, location: Location) -> Home | None:
    """The home that a Location offers to a workspace's tenants; None where no schema is there."""
    is_own = location.schema.startswith("t_")
    schema = names.schema_beside(location.schema) if is_own else names.shared_schema(workspace_id)
    state = SchemaState.objects.filter(pk=schema).first()
    if state is None:
        return None
    return Home(workspace_id, location, schema, state.version, is_own)


def version_at(home: Home) -> int:
    """The release that the schema really has: a roll-out that died noted nothing of its last."""
    return applying.version_of(home.location.alias, home.schema)


def furnish(workspace_id: UUID, location: Location, version: int) -> None:
    """Build the schema at a Location and bring it to `version`; what is there already stays.

    Works as the owner on a direct connection: for tasks and commands, not for requests.
    """
    home = home_at(workspace_id, location)
    state = SchemaState.objects.get(pk=home.schema) if home else _state(workspace_id, location)
    owner = isolation.owner_alias(location.alias)
    applying.build(workspace_id, state.schema, using=owner)
    if state.location_id is not None:
        mark(location.id, state.schema)
    applying.apply(state, version, using=owner)


def tear_down(home: Home) -> None:
    """Drop a schema in which nobody lives any more; a second call does nothing."""
    with transaction.atomic():
        with connections[_alias(home)].cursor() as cursor:
            cursor.execute(f"SELECT {_dropping(home)}(%s)", [home.schema])
        SchemaState.objects.filter(pk=home.schema).delete()
        mark(home.location.id, "")


def _state(workspace_id: UUID, location: Location) -> SchemaState:
    if not location.schema.startswith("t_"):
        return SchemaState(schema=names.shared_schema(workspace_id), workspace_id=workspace_id)
    return SchemaState(
        schema=names.schema_beside(location.schema),
        workspace_id=workspace_id,
        location_id=location.id,
    )


def _alias(home: Home) -> str:
    return "default" if home.location.alias == "default" else home.owner


def _dropping(home: Home) -> str:
    # Here the function looks whether a tenant lives there; elsewhere only the owner may.
    is_here = home.location.alias == "default"
    return "public.dataplane_drop" if is_here else "tenlyr_dataplane.drop_schema_of"


def mark(location_id: int, schema: str) -> None:
    """Write at the Location which schema of an operator's tables is beside it; '' for none."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "UPDATE isolation_location SET data_schema = %s WHERE id = %s", [schema, location_id]
        )
