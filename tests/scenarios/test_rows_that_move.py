"""An operator's app, no tenant filter in its queries, while one of its tenants moves up twice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.cast import email
from tests.scenarios.caller import BOUND_S, TIMEOUT_S, Caller, moved, until

pytestmark = pytest.mark.timeout(TIMEOUT_S)
RELEASE = """
CREATE TYPE state AS ENUM ('draft', 'sent');
CREATE TABLE invoices (
    tenant_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    state state NOT NULL DEFAULT 'draft',
    total numeric(12, 2) NOT NULL,
    body jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, id)
);
CREATE TABLE lines (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    invoice_id bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id) ON DELETE CASCADE
);
"""
PAUSE_S = 0.02
MOST_TRIES = 20


class App:
    """The operator's app, speaking for one tenant: it connects anew when it is told to."""

    def __init__(self, customer: Caller) -> None:
        self._customer = customer
        made = customer("POST", "/isolation/connection/credentials", {}, status=201)
        self._login = {"user": made["role"], "password": made["password"]}
        self._connection: psycopg.Connection[Any] | None = None
        self.reconnected = 0

    def run(self, *statements: str) -> list[Any]:
        """The statements as one transaction, repeated where that is what Postgres asks for."""
        for _ in range(MOST_TRIES):
            connection = self._connected()
            try:
                with connection.transaction():
                    for statement in statements:
                        cursor = connection.execute(statement)
                    return cursor.fetchall() if cursor.description else []
            except (psycopg.errors.SerializationFailure, psycopg.OperationalError):
                self.close()
                self.reconnected += 1
        raise AssertionError(f"not in {MOST_TRIES} tries")

    def close(self) -> None:
        """Leave; the next statement asks where the tenant lives."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> "psycopg.Connection[Any]":
        if self._connection is None:
            at = self._customer("GET", "/isolation/connection")
            place = {"host": at["host"], "port": at["port"], "dbname": at["database"]}
            self._connection = psycopg.connect(
                **place, **self._login, autocommit=True, connect_timeout=5
            )
        return self._connection


class Books:
    """What the app has written, kept beside it: what must be there at the end."""

    def __init__(self) -> None:
        self.invoices: dict[int, tuple[str, str]] = {}
        self.lines = 0


def write(app: App, books: Books, number: int) -> None:
    """An invoice with two lines; each third is sent, each fifth deleted again."""
    ((invoice,),) = app.run(
        "INSERT INTO invoices (total, body)"
        f" VALUES ({number}.50, jsonb_build_object('n', {number})) RETURNING id"
    )
    app.run(f"INSERT INTO lines (invoice_id) VALUES ({invoice}), ({invoice})")
    books.invoices[invoice] = ("draft", f"{number}.50")
    books.lines += 2
    if number % 3 == 0:
        app.run(f"UPDATE invoices SET state = 'sent' WHERE id = {invoice}")
        books.invoices[invoice] = ("sent", f"{number}.50")
    if number % 5 == 0:
        app.run(f"DELETE FROM invoices WHERE id = {invoice}")
        del books.invoices[invoice]
        books.lines -= 2


@contextmanager
def writing(app: App, books: Books) -> Iterator[list[int]]:
    """Write until the end of the block; yields the numbers that are done."""
    done: list[int] = []
    stop = threading.Event()
    failed: list[BaseException] = []

    def go_on() -> None:
        try:
            while not stop.wait(PAUSE_S):
                write(app, books, len(done) + 1)
                done.append(len(done) + 1)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join(BOUND_S)
        assert not thread.is_alive()
    assert failed == []


def test_nothing_is_lost_and_nobody_elses_is_seen(product: Any, operator: Caller) -> None:
    operator("POST", "/dataplane/releases", {"version": 1, "sql": RELEASE}, status=201)
    names = ("Acme", "Globex")
    made = [
        operator("POST", "/tenants", {"name": name, "ownerEmail": email()}, status=201)
        for name in names
    ]
    tenant_id = made[0]["tenant"]["id"]
    with (
        Caller(product.url, made[0]["apiKey"]) as acme,
        Caller(product.url, made[1]["apiKey"]) as globex,
    ):
        app, other, books, others = App(acme), App(globex), Books(), Books()
        write(other, others, 1)
        with writing(app, books) as done:
            for level in ("dedicated_schema", "dedicated_database"):
                since = len(done)
                until(lambda since=since: len(done) > since + 5, BOUND_S)
                record = moved(acme, tenant_id, level, by=operator)
                assert (record["status"], record["error"]) == ("completed", None)
            since = len(done)
            until(lambda: len(done) > since + 5, BOUND_S)
        check(app, books, tenant_id)
        check(other, others, made[1]["tenant"]["id"])
        assert app.reconnected >= 2
        app.close()
        other.close()


def check(app: App, books: Books, tenant_id: str) -> None:
    """What a query without any filter sees is what this tenant wrote, and no more."""
    rows = app.run("SELECT id, state::text, total::text FROM invoices ORDER BY id")
    assert {row[0]: row[1:] for row in rows} == books.invoices
    assert app.run("SELECT count(*) FROM lines") == [(books.lines,)]
    tenants = app.run("SELECT DISTINCT tenant_id::text FROM invoices")
    assert tenants == [(tenant_id,)]
