"""After a flip nobody reads or writes at the old place: old connections are told to come again."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connections, transaction
from psycopg.errors import SerializationFailure

from tests import cast
from tests.cast import Account, Customer
from tests.core.threads import BOUND_S, until
from tests.dataplane.plane import Session, furnish, release

WRITE = "INSERT INTO notes (text) VALUES ('late')"


@pytest.fixture(scope="module")
def account(_database: None) -> Account:
    made = cast.workspace()
    release(made)
    return made


@pytest.fixture
def session(account: Account, bouncer: Any) -> Session:
    """A shared tenant with rows, behind the pooler."""
    made = Session(cast.tenant(account), bouncer.url)
    furnish(made, "mover")
    return made


def flip(customer: Customer) -> None:
    """What a move's last transaction does, as the fence sees it: another place, the next epoch."""
    from apps.dataplane import residence
    from apps.isolation import placing
    from apps.isolation.models import Placement

    with transaction.atomic():
        location = placing._build("claimed")
        Placement.objects.filter(pk=customer.id).update(
            location=location, level="dedicated_schema", epoch=2
        )
        residence.furnish(customer.workspace.id, customer.id)


def in_old_place(session: Session) -> int:
    """The tenant's rows where it lived before."""
    schema = f"op_{session.customer.workspace.id.hex}"
    with transaction.atomic(using="fleet"), connections["fleet"].cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {schema}.notes WHERE tenant_id = %s", [session.customer.id]
        )
        return int(cursor.fetchone()[0])


def refused(act: Callable[[], Any]) -> None:
    """Assert the retryable error, with its hint."""
    with pytest.raises(SerializationFailure, match="placement_moved") as caught:
        act()
    assert caught.value.sqlstate == "40001"
    assert "/api/v1/isolation/connection" in (caught.value.diag.message_hint or "")


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM notes", WRITE, "UPDATE notes SET text = 'x'", "DELETE FROM notes"],
)
def test_an_old_connection_is_refused_with_a_retryable_error(
    session: Session, statement: str
) -> None:
    with session.connect() as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (1,)
        flip(session.customer)
        refused(lambda: connection.execute(statement))
    assert in_old_place(session) == 1


def test_a_new_connection_by_the_old_path_is_refused_too(session: Session) -> None:
    flip(session.customer)
    refused(lambda: session.run("SELECT * FROM notes"))


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_a_transaction_from_before_the_flip_cannot_write_after_it(
    session: Session, level: str
) -> None:
    with session.connect(autocommit=False) as connection:
        connection.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (1,)
        flip(session.customer)
        with pytest.raises(SerializationFailure):
            connection.execute(WRITE)
        connection.rollback()
    assert in_old_place(session) == 1


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_a_writer_that_waited_for_the_hold_looks_again(session: Session, level: str) -> None:
    """The lock is had after the flip: what was true when the statement began does not count."""
    failures: list[psycopg.Error] = []

    def write() -> None:
        with session.connect(autocommit=False) as connection:
            connection.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
            connection.execute("SELECT count(*) FROM notes")
            started.set()
            try:
                connection.execute(WRITE)
                connection.commit()
            except psycopg.Error as error:
                failures.append(error)

    started = threading.Event()
    writer = threading.Thread(target=write)
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(tenlyr_dataplane.lock_key(%s))", [session.customer.id]
        )
        writer.start()
        assert started.wait(BOUND_S)
        until(lambda: waiting() > 0)
        flip(session.customer)
    writer.join()
    assert [error.sqlstate for error in failures] == ["40001"]
    assert in_old_place(session) == 1


def waiting() -> int:
    """Sessions that wait for an advisory lock."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return int(cursor.fetchone()[0])


def test_a_writer_before_the_hold_is_waited_for(session: Session) -> None:
    with session.connect(autocommit=False) as connection:
        connection.execute(WRITE)
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_lock(tenlyr_dataplane.lock_key(%s))", [session.customer.id]
            )
            assert cursor.fetchone()[0] is False
        connection.commit()


def test_a_reader_holds_nobody_up(session: Session) -> None:
    with session.connect(autocommit=False) as connection:
        connection.execute("SELECT * FROM notes")
        with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
            cursor.execute(
                "SELECT pg_try_advisory_xact_lock(tenlyr_dataplane.lock_key(%s))",
                [session.customer.id],
            )
            assert cursor.fetchone()[0] is True


def test_a_suspended_tenant_reads_nothing(session: Session, api: Any) -> None:
    key = session.customer.workspace.key
    path = f"/api/v1/tenants/{session.customer.id}"
    with session.connect() as connection:
        connection.execute("SELECT * FROM notes")
        assert api.post(f"{path}/suspend", key=key).status == 200
        for statement in ("SELECT * FROM notes", WRITE):
            with pytest.raises(psycopg.errors.InvalidAuthorizationSpecification):
                connection.execute(statement)
        assert api.post(f"{path}/reactivate", key=key).status == 200
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (1,)


def test_the_mover_is_not_guarded(session: Session) -> None:
    """The fleet's role moves rows of any tenant, at any place."""
    schema = f"op_{session.customer.workspace.id.hex}"
    with transaction.atomic(using="fleet"), connections["fleet"].cursor() as cursor:
        cursor.execute(f"DELETE FROM {schema}.notes WHERE tenant_id = %s", [session.customer.id])
        assert cursor.rowcount == 1
