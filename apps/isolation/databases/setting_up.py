"""Making a bare database one of ours: roles, grants, the parts of the apps; again at upgrades."""

import hashlib
from typing import Any

import psycopg
from django.conf import settings
from django.db.migrations.loader import MigrationLoader

from apps.isolation import applying, roles
from apps.isolation.databases import aliases, checking, database_parts
from apps.isolation.databases.addresses import Address
from apps.isolation.databases.errors import DatabaseFailed, UnknownDatabase
from apps.isolation.models import Database

# Raised when what a set-up does to roles and grants changes, so that every database gets it.
ROLES_RELEASE = 1


def set_up(database: Database) -> None:
    """Roles, grants and parts in the database; any number of times. Raises `DatabaseFailed`."""
    what = f"The database {database.alias}"
    address = _address_of(database)
    with checking.connected(address, what) as connection:
        checking.check(connection, what, makes_databases=False)
        checking.refuse_strangers(connection, address, what)
        with roles.locked(connection):
            _ensure_roles(connection, what)
            _run_parts(connection, what)


def _address_of(database: Database) -> Address:
    try:
        return aliases.address_of(database)
    except UnknownDatabase as error:
        raise DatabaseFailed(str(error)) from error


def current_release() -> str:
    """What a database that is up to date has: the parts' text and the tenant apps' migrations."""
    loader = MigrationLoader(None)
    labels = applying.tenant_labels()
    migrations = sorted(key for key in loader.graph.nodes if key[0] in labels)
    made = [ROLES_RELEASE, sorted(database_parts.parts().items()), migrations]
    return hashlib.sha256(repr(made).encode()).hexdigest()[:16]


def _ensure_roles(connection: Any, what: str) -> None:
    try:
        roles.ensure_in(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseFailed(
            f"{what}: the role {connection.info.user} may not do what a set-up does there "
            f"({checking.reason(error)})."
        ) from error


def _run_parts(connection: Any, what: str) -> None:
    """As the owner, one transaction each, so that a part is there or is not."""
    for name, text in database_parts.parts().items():
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL ROLE {settings.ROLE_OWNER}")
                connection.execute("SET LOCAL search_path = public")
                connection.execute(text)
        except psycopg.Error as error:
            raise DatabaseFailed(
                f"{what}: the part {name} failed ({checking.reason(error)})."
            ) from error
