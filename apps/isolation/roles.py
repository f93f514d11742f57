"""The database roles: who owns, who works, and what each may do (R2). Runs at every set-up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.db import connections
from psycopg import sql

from apps.isolation.databases import aliases

SETUP_LOCK = 7_362_000
# alias -> milliseconds a statement of its role may take: requests are short, fleet-wide work is not
WORKING_ALIASES = {
    "default": settings.STATEMENT_TIMEOUT_MS,
    "fleet": 12 * settings.STATEMENT_TIMEOUT_MS,
}


def connect(alias: str = "default") -> "psycopg.Connection[Any]":
    """A direct connection to the database as its deploy role, without becoming the owner."""
    params = connections[aliases.owner_alias(alias)].get_connection_params()
    for name in ("options", "cursor_factory", "prepare_threshold", "context"):
        params.pop(name, None)
    return psycopg.connect(**params, autocommit=True)


def ensure() -> None:
    """Create or mend the three roles and what they may do in the control plane's database;
    idempotent.
    """
    with connect() as connection, locked(connection):
        ensure_in(connection)
        _ensure_control_grants(connection)


def ensure_in(connection: Any) -> None:
    """Create or mend the three roles on the server at hand, and what they may do in its
    database.
    """
    _ensure_owner(connection)
    for alias, timeout_ms in WORKING_ALIASES.items():
        login = settings.DATABASES[alias]
        _ensure_worker(connection, login["USER"], login["PASSWORD"], timeout_ms)
    _ensure_grants(connection)


@contextmanager
def locked(connection: Any) -> Iterator[None]:
    """One set-up at a time in this database, held by the session."""
    connection.execute("SELECT pg_advisory_lock(%s)", [SETUP_LOCK])
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [SETUP_LOCK])


def _exists(connection: Any, role: str) -> bool:
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    return found.fetchone() is not None


def _run(connection: Any, text: str, **names: Any) -> None:
    connection.execute(sql.SQL(text).format(**names))


def _ensure_owner(connection: Any) -> None:
    owner = sql.Identifier(settings.ROLE_OWNER)
    with connection.transaction():  # both or neither: a role we may not become is of no use
        if not _exists(connection, settings.ROLE_OWNER):
            _run(connection, "CREATE ROLE {owner} NOLOGIN", owner=owner)
            _run(connection, "GRANT {owner} TO CURRENT_USER", owner=owner)


def _ensure_worker(connection: Any, role: str, password: str, timeout_ms: int) -> None:
    name = sql.Identifier(role)
    # Only the verifier travels, so that no server log can hold the password.
    verifier = connection.pgconn.encrypt_password(
        password.encode(), role.encode(), b"scram-sha-256"
    ).decode()
    with connection.transaction():
        if not _exists(connection, role):
            _run(connection, "CREATE ROLE {name} LOGIN NOINHERIT", name=name)
        _run(connection, "ALTER ROLE {name} PASSWORD {verifier}", name=name, verifier=verifier)
    for setting, value in {
        "search_path": "public",
        "timezone": "UTC",
        "statement_timeout": str(timeout_ms),
        "lock_timeout": str(settings.LOCK_TIMEOUT_MS),
        "idle_in_transaction_session_timeout": str(2 * timeout_ms),
    }.items():
        _run(
            connection,
            "ALTER ROLE {name} IN DATABASE {database} SET {setting} = {value}",
            name=name,
            database=sql.Identifier(connection.info.dbname),
            setting=sql.Identifier(setting),
            value=value,
        )


def _ensure_grants(connection: Any) -> None:
    names = _names(connection)
    for text in (
        "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {database} TO {app}, {fleet}",
        "GRANT CONNECT, CREATE ON DATABASE {database} TO {owner}",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "GRANT USAGE, CREATE ON SCHEMA public TO {owner}",
        "GRANT USAGE ON SCHEMA public TO {app}, {fleet}",
    ):
        _run(connection, text, **names)
    with connection.transaction():
        _run(connection, "SET LOCAL ROLE {owner}", **names)
        _run(
            connection, "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC", **names
        )


def _ensure_control_grants(connection: Any) -> None:
    """What only the control plane's database has: its own tables, and the shared schema."""
    names = _names(connection)
    with connection.transaction():
        for text in (
            "SET LOCAL ROLE {owner}",
            "CREATE SCHEMA IF NOT EXISTS {shared}",
            "GRANT USAGE ON SCHEMA {shared} TO {app}, {fleet}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE"
            " ON TABLES TO {app}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {app}",
        ):
            _run(connection, text, **names)


def _names(connection: Any) -> dict[str, sql.Identifier]:
    return {
        "database": sql.Identifier(connection.info.dbname),
        "owner": sql.Identifier(settings.ROLE_OWNER),
        "app": sql.Identifier(settings.ROLE_APP),
        "fleet": sql.Identifier(settings.ROLE_FLEET),
        "shared": sql.Identifier(settings.SHARED_SCHEMA),
    }
