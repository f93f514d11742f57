"""A second Postgres server, and what is made on it and taken away again."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

from apps.audit.models import AuditEntry
from apps.isolation.databases import aliases, building, providing
from apps.isolation.levels import Level
from apps.isolation.models import Database, Driver, Location, Placement, Server
from tenlyr.core import audit, ids
from tenlyr.runtime import accounts
from tenlyr.runtime.home import Home
from tenlyr.runtime.postgres import Postgres

_numbers = itertools.count(1)


class Second:
    """The server; `deploy_url` is what an operator would register."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tenlyr-second-"))
        self.folder.chmod(0o711)
        home = Home(self.folder, self.folder, accounts.for_servers())
        self.postgres = Postgres(home, shared_buffers="32MB", max_connections="60")

    @property
    def deploy_url(self) -> str:
        return self.postgres.deploy_url

    def url(self, database: str) -> str:
        """The superuser's way into any database."""
        return urlsplit(self.postgres.superuser_url)._replace(path=f"/{database}").geturl()

    @contextmanager
    def superuser(self, database: str = "postgres") -> "Iterator[psycopg.Connection[Any]]":
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            yield connection

    def role(self, name: str, rights: str) -> str:
        """A role with such rights: the address of one who would register the server as it."""
        with self.superuser() as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN {rights} PASSWORD 'open'")
        parts = urlsplit(self.deploy_url)
        return parts._replace(netloc=f"{name}:open@{parts.hostname}:{parts.port}").geturl()

    def databases(self) -> set[str]:
        """The names of the databases of ours that are there."""
        with self.superuser() as connection:
            found = connection.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE 'tenlyr\\_db\\_%'"
            )
            return {name for (name,) in found.fetchall()}

    def __enter__(self) -> Self:
        self.postgres.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def acts(target: str) -> list[dict[str, Any]]:
    """What the installation's trail says of a server or database, the oldest first."""
    rows = AuditEntry.objects.filter(workspace_id=audit.INSTALLATION, body__target=target)
    return [row.body for row in rows.order_by("seq")]


def slug() -> str:
    """A name for a server that nobody used yet."""
    return f"server-{os.getpid()}-{next(_numbers)}"


def forget(server: Server) -> None:
    """Take a server out of the register, with what tests left on it."""
    for database in Database.objects.filter(server=server):
        remove(database)
    server.delete()


def settle(database: Database) -> Placement:
    """A new tenant that lives in the database."""
    place = building.build_location(database, f"t_{uuid4().hex}")
    return Placement.objects.create(
        tenant_id=ids.uuid7(), location=place, level=Level.DEDICATED_DATABASE
    )


def provided(server: Server) -> Database:
    """One more database on the server."""
    return providing.provide(providing.new_alias(), Driver(server.driver))


def remove(database: Database) -> None:
    """Take a database away with its tenants, as if it had never been."""
    places = Location.objects.filter(alias=database.alias)
    Placement.objects.filter(location__in=places).delete()
    providing.retire(database.alias)
    Database.objects.filter(pk=database.pk).delete()
    aliases.suspect(database.alias)
