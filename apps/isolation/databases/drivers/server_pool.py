"""A new database on the emptiest of several registered servers."""

from apps.isolation.databases.drivers import database as one_server
from apps.isolation.models import Database

create = one_server.create
destroy = one_server.destroy


def describe(database: Database) -> str:
    return f"a database of its own on {database.server}, one of a pool of servers"
