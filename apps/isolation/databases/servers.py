"""Registered servers: where databases for tenants can be made, and the making."""

from contextlib import suppress
from typing import Any

import psycopg
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from psycopg import sql

from apps.isolation.databases import addresses, aliases, checking
from apps.isolation.databases.addresses import Address
from apps.isolation.databases.errors import BadAddress, DatabaseFailed
from apps.isolation.models import Database, Driver, Server
from tenlyr.core import audit, secrets

DSN_PLACE = "isolation_server.dsn"
# Autovacuum has no user, and leaves by itself when a database is dropped.
USERS = """
SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = %s AND usename IS NOT NULL
"""
TERMINATE = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND usename = %s
"""


def register(
    name: str,
    dsn: str,
    *,
    driver: str = Driver.DATABASE,
    pool_url: str = "",
    max_databases: int = 100,
) -> Server:
    """Take a server in, once it has shown that it can serve. Raises `DatabaseFailed`."""
    sealed = examined(name, dsn, pool_url)
    try:
        with transaction.atomic():
            server = Server.objects.create(
                name=name,
                driver=driver,
                dsn=sealed,
                pool_url=pool_url,
                max_databases=max_databases,
            )
            record("isolation.server_registered", server)
    except IntegrityError:
        raise BadAddress(f"There is a server {name} already.") from None
    return server


def examined(name: str, dsn: str, pool_url: str = "") -> bytes:
    """The server's address, sealed, when databases can be made there; raises `DatabaseFailed`."""
    if pool_url:
        addresses.parse(pool_url, what=f"The pooler of {name}", has_login=False)
    address = addresses.parse(dsn, what=f"The address of {name}")
    checking.check_server(address, f"The server {name}")
    return addresses.seal(address, DSN_PLACE)


def readdress(server: Server) -> None:
    """The server's address has changed: so have those of the databases on it."""
    address = address_of(server)
    with transaction.atomic():
        databases = Database.objects.filter(server=server, dsn__isnull=False)
        for database in databases:
            database.dsn = addresses.seal(address.named(name_of(database)), aliases.DSN_PLACE)
            database.save(update_fields=["dsn"])
        record(
            "isolation.server_readdressed",
            server,
            host=address.host,
            port=address.port,
            databases=[database.alias for database in databases],
        )


def record(action: str, server: Server, **details: Any) -> None:
    """Put an act on a server on the installation's trail, as the last of its transaction."""
    audit.record(
        action,
        workspace_id=audit.INSTALLATION,
        target=server.name,
        driver=server.driver,
        max_databases=server.max_databases,
        is_open=server.is_open,
        **details,
    )


def address_of(server: Server | None) -> Address:
    """The address of a registered server, or that of the control plane's own; raises
    `DatabaseFailed` where it cannot be read.
    """
    if server is not None:
        try:
            return addresses.unseal(server.dsn, DSN_PLACE)
        except (secrets.CannotDecrypt, BadAddress) as error:
            raise DatabaseFailed(
                f"The address of the server {server.name} cannot be read: give it again."
            ) from error
    own = settings.DATABASES["owner"]
    return Address(own["HOST"], int(own["PORT"]), own["NAME"], own["USER"], own["PASSWORD"])


def take_place(database: Database) -> Server | None:
    """Give the database a place on the emptiest open server of its driver, and note it.

    None is the control plane's server, for the driver `database` where none was registered.
    """
    if database.server is not None:
        return database.server
    with transaction.atomic():
        servers = Server.objects.filter(driver=database.driver)
        list(servers.select_for_update())  # one at a time, or a server takes one too many
        held = Count("databases", filter=~Q(databases__state="retired", databases__error=""))
        found = [one for one in servers.annotate(held=held).order_by("id") if one.is_open]
        found = [one for one in found if one.held < one.max_databases]
        if not found and database.driver == Driver.DATABASE and not servers.exists():
            return None
        if not found:
            raise DatabaseFailed(
                f"No server registered for {database.driver} is open and has room: register "
                "another, or raise its max_databases."
            )
        database.server = min(found, key=lambda one: one.held / one.max_databases)
        database.save(update_fields=["server"])
    return database.server


def name_of(database: Database) -> str:
    """The database's name on its server."""
    return f"tenlyr_{database.alias}"


def make_database(database: Database, server: Server | None) -> Address:
    """The database on the server, new or as an earlier try left it; answers its address."""
    address = address_of(server)
    what = f"The server {server.name}" if server else "The control plane's server"
    with checking.connected(address, what) as connection:
        checking.check(connection, what, makes_databases=True)
        text = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
        # One that is there is ours, from a try before: the name is random.
        with suppress(psycopg.errors.DuplicateDatabase):
            connection.execute(text.format(sql.Identifier(name_of(database))))
    return address.named(name_of(database))


def drop_database(database: Database) -> None:
    """Drop the database from its server, whoever is connected; nothing to do when it is gone."""
    address = address_of(database.server)
    name = name_of(database)
    with checking.connected(address, f"The server of {database.alias}") as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if found.fetchone() is not None:
            close = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false")
            connection.execute(close.format(sql.Identifier(name)))
            _end_sessions(connection, name)
            drop = sql.SQL("DROP DATABASE IF EXISTS {}")  # waits 5 s for those who are leaving
            connection.execute(drop.format(sql.Identifier(name)))


def _end_sessions(connection: Any, name: str) -> None:
    """End everybody's sessions. Only a member of a role may end that role's sessions: so be one,
    in a transaction that nobody will have seen.
    """
    users = connection.execute(USERS, [name]).fetchall()
    for (user,) in users:
        # Where it is not allowed, the drop says who is still there.
        with suppress(psycopg.Error), connection.transaction(force_rollback=True):
            if user != connection.info.user:
                connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(user)))
            connection.execute(TERMINATE, [name, user])
