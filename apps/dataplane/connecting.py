"""Where a tenant's operator tables are reached: host, database, schema, role."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connections

from apps.dataplane import logins, places, selectors
from apps.dataplane.models import Login
from apps.isolation import public as isolation
from apps.isolation.public import Level
from apps.tenants import public as tenants


@dataclass(frozen=True, slots=True)
class Connection:
    """What a client needs beside a password. `version` is the release that the schema has;
    `epoch` rises with each move.
    """

    tenant_id: UUID
    isolation_level: Level
    host: str
    port: int
    database: str
    schema: str
    role: str | None
    version: int
    credentials: list[Login]


def of(workspace_id: UUID, tenant_id: UUID) -> Connection:
    """The tenant's address now; raises `TenantNotFound` and `NoDataPlane`."""
    tenant = tenants.get(workspace_id, tenant_id)
    home = places.home_of(tenant_id)
    if not selectors.version_of(workspace_id) or home is None:
        raise selectors.missing(workspace_id)
    host, port, database = _address(home.location.alias)
    live = logins.live(tenant_id)
    return Connection(
        tenant_id=tenant_id,
        isolation_level=Level(tenant.isolation_level),
        host=host,
        port=port,
        database=database,
        schema=home.schema,
        role=live[0].role if live else None,
        version=home.version,
        credentials=live,
    )


def _address(alias: str) -> tuple[str, int, str]:
    """As a client outside reaches it: the pooler that the operator named, else the server."""
    told = settings.DATAPLANE_URL
    params = connections[isolation.owner_alias(alias)].settings_dict
    host, port, name = params["HOST"], int(params["PORT"] or 5432), params["NAME"]
    if alias == "default" and told is not None:
        return told.hostname or host, told.port or 5432, told.path.lstrip("/") or name
    return host, port, name
