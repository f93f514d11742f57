"""For Django: a database alias for each tenant, and a router that picks the current one's."""

from typing import Any, Callable, Collection, Dict, Optional, TypeVar

from django.db import connections, transaction

from tenlyr.database._logins import TenantDatabases, repeated
from tenlyr.middleware import current_tenant

T = TypeVar("T")


def alias(databases: TenantDatabases, tenant_id: str) -> str:
    """The tenant's alias, made from `default` with its login; it is renewed when that is."""
    name = f"tenant_{tenant_id}"
    login = databases.login(tenant_id)
    place: Dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": login.host,
        "PORT": login.port,
        "NAME": login.database,
        "USER": login.role,
        "PASSWORD": login.password,
    }
    known = connections.databases.get(name)
    if known is None or any(known[key] != value for key, value in place.items()):
        connections.databases[name] = {**connections.databases["default"], **place}
        _forget(name)
    return name


def run(databases: TenantDatabases, tenant_id: str, work: Callable[[str], T]) -> T:
    """What `work` answers, given the alias, in a transaction there; repeated while it moves."""

    def once() -> T:
        name = alias(databases, tenant_id)
        with transaction.atomic(using=name):
            return work(name)

    return repeated(once, lambda: databases.moved(tenant_id), databases.sleep)


class TenantRouter:
    """Sends the models of some apps to the database of the current tenant.

    A subclass in `DATABASE_ROUTERS` sets both. Your tables are made by releases of the data plane:
    nothing is migrated there.
    """

    databases: TenantDatabases
    app_labels: Collection[str] = ()

    def db_for_read(self, model: Any, **hints: Any) -> Optional[str]:
        """The current tenant's alias for its apps, nothing for all others."""
        if model._meta.app_label not in self.app_labels:
            return None
        return alias(self.databases, current_tenant().id)

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> Optional[bool]:
        """Never: releases make these tables."""
        return False if app_label in self.app_labels or db.startswith("tenant_") else None


def _forget(name: str) -> None:
    """Close this thread's connection, which is of the login before."""
    if hasattr(connections._connections, name):  # type: ignore[attr-defined]
        connections[name].close()
        del connections[name]
