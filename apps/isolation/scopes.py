"""The only way to tenant-owned rows: a transaction that sees one tenant, or one Location's
fleet.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from apps.isolation import deadlines, placements
from apps.isolation.backend.base import PUBLIC, Tenancy
from apps.isolation.databases import aliases
from apps.isolation.errors import NoScope, ScopeConflict
from apps.isolation.placements import Location


@dataclass(frozen=True, slots=True)
class Scope:
    """An open scope. `tenant_id` is None for a fleet scope, which sees all tenants of its
    schema.
    """

    alias: str
    schema: str
    tenant_id: UUID | None

    def cursor(self) -> Any:
        """A raw cursor inside the scope; names without a schema mean the scope's own tables."""
        return connections[self.alias].cursor()


class _Open(threading.local):
    scope: Scope | None = None


_open = _Open()


def require() -> Scope:
    """The scope at hand; raises `NoScope`."""
    if _open.scope is None:
        raise NoScope("tenant-owned rows are reached inside isolation.scope() only")
    return _open.scope


@contextmanager
def scope(tenant_id: UUID, *, read_only: bool = False) -> Iterator[Scope]:
    """See one tenant's rows, in one transaction.

    Re-entrant for the same tenant; raises `ScopeConflict` inside another's scope and
    `UnknownTenant` for a tenant that is nowhere.
    """
    outer = _open.scope
    if outer is not None:
        if outer.tenant_id != tenant_id:
            raise ScopeConflict(f"scope of {tenant_id} inside that of {outer.tenant_id}")
        yield outer
        return
    location = placements.of(tenant_id).location
    here = Scope(location.alias, location.schema, tenant_id)
    with _entered(here, Tenancy(location.schema, str(tenant_id), read_only)):
        yield here


@contextmanager
def fleet(location: Location, *, read_only: bool = True) -> Iterator[Scope]:
    """See all tenants of one Location, through the fleet role. For batch work; callers are few."""
    outer = _open.scope
    if outer is not None:
        raise ScopeConflict(f"fleet scope inside that of {outer.tenant_id}")
    here = Scope(location.fleet_alias, location.schema, None)
    with _entered(here, Tenancy(location.schema, "", read_only)):
        yield here


@contextmanager
def control_fleet() -> Iterator[Any]:
    """A transaction of the fleet role on the control plane; yields its connection.

    A `fleet()` opened inside it on the same database joins this transaction.
    """
    with transaction.atomic(using="fleet"):
        yield connections["fleet"]


@contextmanager
def database_fleet(fleet_alias: str, *, within_s: float = 30.0) -> Iterator[Any]:
    """The same on any database, named by a Location's `fleet_alias`.

    With a tenant's own database it ends after `within_s`, with an `OperationalError`: a server
    that froze answers nothing and closes nothing, and there is other work than its.
    """
    connection: Any = connections[fleet_alias]
    try:
        connection.ensure_connection()
        with _ended(connection, within_s), transaction.atomic(using=fleet_alias):
            yield connection
    finally:
        aliases.let_go(fleet_alias)


def _ended(connection: Any, within_s: float) -> AbstractContextManager[None]:
    if aliases.database_of(connection.alias) == aliases.CONTROL:
        return nullcontext()
    return deadlines.bounded(connection.connection, within_s)


@contextmanager
def _entered(here: Scope, tenancy: Tenancy) -> Iterator[None]:
    connection: Any = connections[here.alias]
    _open.scope = here
    try:
        if connection.in_atomic_block:
            with _inside(connection, tenancy):
                yield
        else:
            # What Django asks a new connection must not be taken for tenant work.
            connection.ensure_connection()
            connection.tenancy = tenancy
            with transaction.atomic(using=here.alias):
                # First of all hooks: those of the caller run outside the scope, as after a commit.
                transaction.on_commit(partial(_leave, connection), using=here.alias)
                yield
    finally:
        _open.scope = None
        if not connection.in_atomic_block:
            _leave(connection)
            aliases.let_go(here.alias)


def _leave(connection: Any) -> None:
    _open.scope = None
    connection.tenancy = PUBLIC


@contextmanager
def _inside(connection: Any, tenancy: Tenancy) -> Iterator[None]:
    """A scope inside a running transaction: a savepoint, whose rollback undoes the settings too."""
    before = connection.tenancy
    try:
        with transaction.atomic(using=connection.alias):
            connection.enter(tenancy)
            yield
            connection.enter(before)
    finally:
        connection.tenancy = before
