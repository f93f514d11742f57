"""The drivers: each a module that can give a database, take it back, and say what it gave."""

from importlib import import_module
from typing import Protocol, cast

from apps.isolation.databases.errors import DatabaseFailed
from apps.isolation.models import Database
from apps.isolation.models import Driver as Name


class Driver(Protocol):
    """What a driver's module has. All may be repeated after a crash."""

    def create(self, database: Database) -> None:
        """Make the database and note its sealed address in the row; raises `DatabaseFailed`."""
        ...

    def destroy(self, database: Database) -> None:
        """Take it back, with all that is in it; raises `DatabaseFailed`."""
        ...

    def describe(self, database: Database) -> str:
        """What was really given, for people."""
        ...


def driver(name: str) -> Driver:
    """The driver of a name; raises `DatabaseFailed` for one that is none."""
    if name not in Name.values:
        known = ", ".join(Name.values)
        raise DatabaseFailed(f"There is no driver {name!r} for databases: it is one of {known}.")
    return cast("Driver", import_module(f"{__name__}.{name}"))
