"""An operator with three tables, two tenants that share and one with its own schema, and what it
takes to speak SQL as each of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit
from uuid import UUID

import psycopg
from django.db import transaction

from tests.cast import Account, Customer
from tests.core import outages

SQL = """
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE TABLE customers (
    tenant_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    email text NOT NULL,
    mood mood NOT NULL DEFAULT 'calm',
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email)
);
CREATE TABLE orders (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    customer_id bigint NOT NULL,
    total numeric(12, 2) NOT NULL DEFAULT 0,
    body jsonb NOT NULL DEFAULT '{}',
    blob bytea,
    placed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX orders_placed ON orders (tenant_id, placed_at);
CREATE TABLE notes (
    tenant_id uuid NOT NULL,
    id serial NOT NULL,
    text text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
"""


def release(account: Account, sql: str = SQL, version: int = 1) -> Any:
    """Publish a release for the account."""
    from apps.dataplane import releasing

    return releasing.publish(workspace_id=account.id, version=version, sql=sql)


def with_tables(customer: Customer) -> Customer:
    """The tenant, whose operator has released a table called thing and rolls it out."""
    from apps.dataplane.rollout import planning

    table = "CREATE TABLE thing (tenant_id uuid NOT NULL, id int, PRIMARY KEY (tenant_id, id))"
    release(customer.workspace, table)
    planning.start(workspace_id=customer.workspace.id, version=1)
    return customer


def resident(account: Account) -> Customer:
    """A tenant with a database of its own, and the operator's tables there."""
    from apps.isolation.public import Level, run_move, start_move
    from tests import cast

    customer = cast.tenant(account, plan="enterprise")
    with transaction.atomic():
        begun = start_move(
            workspace_id=account.id,
            tenant_id=customer.id,
            target=Level.DEDICATED_DATABASE,
            driver="database",
        )
    done = run_move(begun.id)
    assert (done.status, done.error) == ("completed", "")
    return customer


@contextmanager
def away(tenant_id: UUID) -> Iterator[None]:
    """Nobody answers where the tenant's own database is said to be."""
    from apps.dataplane import places
    from apps.isolation.backend import pools
    from apps.isolation.databases import addresses, aliases
    from apps.isolation.models import Database

    home = places.home_of(tenant_id)
    assert home is not None
    row = Database.objects.filter(pk=home.location.alias)
    before = row.get()
    nowhere = replace(aliases.address_of(before), port=outages.dead_port())

    def readdress(dsn: Any) -> None:
        row.update(dsn=dsn)
        aliases.suspect(before.alias)
        for name in (before.alias, home.owner):
            aliases.let_go(name)
        pools.end(before.alias)

    readdress(addresses.seal(nowhere, aliases.DSN_PLACE))
    try:
        yield
    finally:
        readdress(before.dsn)


class Session:
    """A tenant's credential and a connection made with it."""

    def __init__(self, customer: Customer, url: str, **more: Any) -> None:
        from apps.dataplane import logins

        self.customer = customer
        self.made = logins.make(workspace_id=customer.workspace.id, tenant_id=customer.id, **more)
        self.url = login_url(url, self.made.login.role, self.made.password)

    @property
    def role(self) -> str:
        return str(self.made.login.role)

    def connect(self, **more: Any) -> "psycopg.Connection[Any]":
        """A new connection that commits each statement."""
        return psycopg.connect(self.url, **{"autocommit": True, "connect_timeout": 5, **more})

    def run(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """One statement on a connection of its own; its rows."""
        with self.connect(prepare_threshold=None) as connection:
            cursor = connection.execute(sql, params or None)
            return cursor.fetchall() if cursor.description else []


def login_url(url: str, role: str, password: str) -> str:
    """The address with another login."""
    parts = urlsplit(url)
    place = f"{role}:{quote(password, safe='')}@{parts.hostname}:{parts.port}"
    return urlunsplit((parts.scheme, place, parts.path, "", ""))


def furnish(session: Session, mark: str) -> None:
    """A few rows of the tenant's own, written without a word about tenants."""
    with session.connect() as connection:
        connection.execute(
            "INSERT INTO customers (email) VALUES (%s), (%s)", [f"1@{mark}", f"2@{mark}"]
        )
        connection.execute(
            "INSERT INTO orders (customer_id, total, body) SELECT id, 9.99, %s FROM customers",
            [f'{{"of": "{mark}"}}'],
        )
        connection.execute("INSERT INTO notes (text) VALUES (%s)", [f"note of {mark}"])
