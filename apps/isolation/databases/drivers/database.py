"""A new database on a registered server, or, where none is registered, on the control plane's."""

from apps.isolation.databases import addresses, aliases, servers
from apps.isolation.models import Database


def create(database: Database) -> None:
    server = servers.take_place(database)
    address = servers.make_database(database, server)
    database.dsn = addresses.seal(address, aliases.DSN_PLACE)
    if server is not None and server.pool_url:
        pool = addresses.parse(server.pool_url, what="The pooler's address", has_login=False)
        database.pool_url = pool.named(address.name).dsn
    database.save(update_fields=["dsn", "pool_url"])


def destroy(database: Database) -> None:
    servers.drop_database(database)


def describe(database: Database) -> str:
    where = f"the server {database.server}" if database.server else "the control plane's server"
    return f"a database of its own on {where}"
