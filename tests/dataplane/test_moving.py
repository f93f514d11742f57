"""An operator's tables move with the tenant: real moves, a real pooler, the same password."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from apps.dataplane import applying, logins, places
from apps.dataplane.moving import OperatorTables
from apps.isolation.public import (
    Level,
    Location,
    MoveBusy,
    group,
    rollback_move,
    run_move,
    start_move,
)
from tests import cast, servers
from tests.cast import Account
from tests.core.threads import BOUND_S, until
from tests.dataplane.plane import Session, furnish, login_url, release

READS = ["SELECT * FROM customers", "SELECT * FROM orders", "SELECT * FROM notes"]


@pytest.fixture(scope="module")
def account(_database: None) -> Account:
    made = cast.workspace()
    release(made)
    return made


@pytest.fixture
def session(account: Account, bouncer: Any) -> Session:
    """A shared tenant with rows, behind the pooler, and a neighbour of the same workspace."""
    made = Session(cast.tenant(account, plan="enterprise"), bouncer.url)
    furnish(made, "mover")
    furnish(Session(cast.tenant(account), bouncer.url), "neighbour")
    return made


def move(session: Session, target: Level, **more: Any) -> Any:
    """A move, begun and run here."""
    with transaction.atomic():
        begun = start_move(
            workspace_id=session.customer.workspace.id,
            tenant_id=session.customer.id,
            target=target,
            **more,
        )
    done = run_move(begun.id)
    assert (done.status, done.error) == ("completed", "")
    return done


def rows(session: Session, url: str = "") -> list[list[str]]:
    """All the tenant's rows as its login sees them, in order."""
    with psycopg.connect(url or session.url, autocommit=True) as connection:
        return [sorted(map(str, connection.execute(read).fetchall())) for read in READS]


def address(session: Session) -> str:
    """The login's address where the tenant lives now, past any pooler."""
    from apps.dataplane import connecting

    found = connecting.of(session.customer.workspace.id, session.customer.id)
    url = f"postgresql://{found.host}:{found.port}/{found.database}"
    return login_url(url, session.role, session.made.password)


class TestToASchemaOfItsOwn:
    def test_the_same_login_finds_its_rows_through_the_pooler(self, session: Session) -> None:
        before = rows(session)
        done = move(session, Level.DEDICATED_SCHEMA)
        assert rows(session) == before
        [(schema,)] = session.run("SELECT current_schema()")
        assert schema == f"d_{done.target.schema_name[2:]}"
        session.run("INSERT INTO notes (text) VALUES ('after') RETURNING id")

    def test_a_session_from_before_is_ended_or_told_to_retry(self, session: Session) -> None:
        with session.connect() as connection:
            connection.execute("SELECT 1")
            move(session, Level.DEDICATED_SCHEMA)
            with pytest.raises((psycopg.OperationalError, psycopg.errors.SerializationFailure)):
                connection.execute(f"SELECT * FROM op_{session.customer.workspace.id.hex}.notes")

    def test_no_write_is_lost_while_it_moves(self, session: Session) -> None:
        writer = Writer(session)
        with writer:
            writer.wait_for(11)
            move(session, Level.DEDICATED_SCHEMA)
            writer.wait_for(11)
        found = {text for (text,) in session.run("SELECT text FROM notes WHERE text LIKE 'w%'")}
        assert found == writer.kept
        assert len(found) > 20
        assert set(writer.refusals) <= {"40001", "57P01", "08P01", None}

    def test_the_old_rows_go_with_the_purge(self, session: Session) -> None:
        from apps.isolation.moves import claiming, undoing

        done = move(session, Level.DEDICATED_SCHEMA)
        with claiming.alone(session.customer.id) as claim:
            assert undoing.drop_from(claim, done.source) >= 5
        assert rows(session)[2] != []

    def test_a_connection_lost_while_its_tables_are_made_costs_a_run(
        self, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before, bounded, cut = rows(session), applying._short_locks, []

        @contextmanager
        def losing(cursor: Any) -> Iterator[None]:
            with bounded(cursor):
                if not cut:
                    cursor.execute("SELECT pg_backend_pid()")
                    cut.extend(cursor.fetchone())
                    with psycopg.connect(servers.current().postgres.superuser_url) as superuser:
                        superuser.execute("SELECT pg_terminate_backend(%s, 10000)", cut)
                yield

        with transaction.atomic():
            begun = start_move(
                workspace_id=session.customer.workspace.id,
                tenant_id=session.customer.id,
                target=Level.DEDICATED_SCHEMA,
            )
        with monkeypatch.context() as patch:
            patch.setattr(applying, "_short_locks", losing)
            lost = run_move(begun.id)
        assert cut
        assert (lost.status, lost.step, lost.detail["stumbles"]) == ("in_progress", "preflight", 1)
        assert run_move(begun.id).status == "completed"
        assert rows(session) == before


class TestToADatabaseOfItsOwn:
    def test_the_same_password_at_the_new_address(self, session: Session) -> None:
        before = rows(session)
        move(session, Level.DEDICATED_DATABASE, driver="database")
        assert rows(session, address(session)) == before
        for statement in ("SELECT * FROM notes", "INSERT INTO notes (text) VALUES ('late')"):
            with pytest.raises(psycopg.errors.SerializationFailure, match="placement_moved"):
                session.run(statement)

    def test_and_back(self, session: Session) -> None:
        before = rows(session)
        done = move(session, Level.DEDICATED_DATABASE, driver="database")
        there = address(session)
        with psycopg.connect(there, autocommit=True) as connection:
            connection.execute("INSERT INTO notes (text) VALUES ('written there')")
        with transaction.atomic():
            begun = rollback_move(workspace_id=session.customer.workspace.id, move_id=done.id)
        back = run_move(begun.id)
        assert (back.status, back.error) == ("completed", "")
        after = rows(session)
        assert after[:2] == before[:2]
        assert len(after[2]) == len(before[2]) + 1

    def test_a_suspended_tenant_arrives_blocked(self, session: Session, api: Any) -> None:
        from apps.dataplane import blocking

        before, key = rows(session), session.customer.workspace.key
        path = f"/api/v1/tenants/{session.customer.id}"
        assert api.post(f"{path}/suspend", key=key).status == 200
        move(session, Level.DEDICATED_DATABASE, driver="database")
        there = address(session)
        with (
            psycopg.connect(there, autocommit=True) as connection,
            pytest.raises(psycopg.errors.InvalidAuthorizationSpecification),
        ):
            connection.execute("SELECT * FROM notes")
        assert blocking.tell_all() == 0
        assert api.post(f"{path}/reactivate", key=key).status == 200
        blocking.tell(session.customer.id)
        assert rows(session, there) == before

    def test_a_suspension_reaches_it(self, session: Session, api: Any) -> None:
        from apps.dataplane import blocking

        move(session, Level.DEDICATED_DATABASE, driver="database")
        there = address(session)
        path = f"/api/v1/tenants/{session.customer.id}"
        api.post(f"{path}/suspend", key=session.customer.workspace.key)
        assert blocking.tell_all() == 1
        assert blocking.tell_all() == 0
        with (
            psycopg.connect(there, autocommit=True) as connection,
            pytest.raises(psycopg.errors.InvalidAuthorizationSpecification),
        ):
            connection.execute("SELECT * FROM notes")

    def test_a_deletion_leaves_no_row_and_no_login(self, session: Session, api: Any) -> None:
        from apps.dataplane import holding
        from apps.dataplane.models import Login

        move(session, Level.DEDICATED_DATABASE, driver="database")
        tenant = session.customer
        assert api.delete(f"/api/v1/tenants/{tenant.id}", key=tenant.workspace.key).status == 204
        assert holding.purge(tenant.id) >= 6
        assert holding.purge(tenant.id) == 0
        assert not Login.objects.filter(tenant_id=tenant.id).exists()


class TestCredentialsOfTheLastMoment:
    @pytest.mark.parametrize(
        ("level", "more"),
        [
            (Level.DEDICATED_SCHEMA, {}),
            (Level.DEDICATED_DATABASE, {"driver": "database"}),
        ],
    )
    def test_one_made_just_before_the_flip_works_after_it(
        self,
        session: Session,
        bouncer: Any,
        monkeypatch: pytest.MonkeyPatch,
        level: Level,
        more: dict[str, str],
    ) -> None:
        made: list[Session] = []
        arrive = OperatorTables.arrive

        def and_make_another(part: OperatorTables, *args: Any) -> None:
            arrive(part, *args)
            made.append(Session(session.customer, bouncer.url))

        monkeypatch.setattr(OperatorTables, "arrive", and_make_another)
        before = rows(session)
        move(session, level, **more)
        assert rows(made[0], address(made[0])) == before

    def test_one_that_is_being_made_keeps_the_tenant_where_it_is(self, session: Session) -> None:
        from apps.isolation.models import Placement

        with transaction.atomic():
            logins.make(workspace_id=session.customer.workspace.id, tenant_id=session.customer.id)
            with (
                psycopg.connect(servers.current().postgres.superuser_url) as other,
                pytest.raises(psycopg.errors.LockNotAvailable),
            ):
                other.execute(
                    f"SELECT FROM {Placement._meta.db_table} WHERE tenant_id = %s"
                    " FOR NO KEY UPDATE NOWAIT",
                    [session.customer.id],
                )

    def test_one_cannot_be_ended_half_way_to_the_other_place(
        self, session: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refused: list[bool] = []
        carry = logins._carry

        def and_try_to_end(carried: Any, home: Any) -> None:
            carry(carried, home)
            with psycopg.connect(servers.current().postgres.superuser_url) as other:
                try:
                    other.execute(
                        "SELECT FROM dataplane_login WHERE id = %s FOR UPDATE NOWAIT",
                        [carried[0].pk],
                    )
                except psycopg.errors.LockNotAvailable:
                    refused.append(True)

        monkeypatch.setattr(logins, "_carry", and_try_to_end)
        move(session, Level.DEDICATED_SCHEMA)
        assert refused == [True, True]  # at the arrival and after the flip

    def test_many_take_no_more_statements_than_one(self, session: Session) -> None:
        part, tenant = OperatorTables(), session.customer.id
        source, target = where(tenant), claimed()
        part.prepare(tenant, source, target)
        counted = []
        for _ in range(2):
            with (
                CaptureQueriesContext(connections["default"]) as asked,
                CaptureQueriesContext(connections[target.owner_alias]) as told,
            ):
                part.arrive(tenant, source, target, 2)
            counted.append(len(asked) + len(told))
            for _ in range(5):
                logins.make(workspace_id=session.customer.workspace.id, tenant_id=tenant)
        assert counted[0] == counted[1]


class TestPart:
    def test_a_move_that_fails_after_its_arrival_leaves_the_login_at_home(
        self, session: Session
    ) -> None:
        part, tenant = OperatorTables(), session.customer.id
        before = rows(session)
        source, target = where(tenant), claimed()
        part.prepare(tenant, source, target)
        part.prepare(tenant, source, target)
        part.arrive(tenant, source, target, 2)
        assert part.drop(tenant, target) == 0
        assert part.drop(tenant, target) == 0
        assert rows(session) == before
        part.leave(tenant, source, target, 1)  # its sessions end; the next has the old path again
        assert session.run("SELECT current_schema()") == [
            (f"op_{session.customer.workspace.id.hex}",)
        ]

    def test_rows_of_where_it_lives_are_not_dropped(self, session: Session) -> None:
        with pytest.raises(ValueError, match="lives at"):
            OperatorTables().drop(session.customer.id, where(session.customer.id))

    def test_a_long_transaction_is_not_waited_for(self, session: Session) -> None:
        part, tenant = OperatorTables(), session.customer.id
        with session.connect(autocommit=False) as connection:
            connection.execute("INSERT INTO notes (text) VALUES ('long')")
            with pytest.raises(MoveBusy), part.hold(tenant):
                pass
            connection.commit()
        with part.hold(tenant), part.hold(cast.tenant(session.customer.workspace).id):
            assert session.run("SELECT count(*) FROM notes WHERE text = 'long'") == [(1,)]

    def test_the_tables_in_their_order_with_their_keys(self, session: Session) -> None:
        source, target = where(session.customer.id), claimed()
        found = OperatorTables().tables(session.customer.id, source, target)
        assert [one.name for one in found].index("customers") < [one.name for one in found].index(
            "orders"
        )
        assert {one.key for one in found} == {("tenant_id", "id")}
        assert {one.target_schema for one in found} == {f"d_{target.schema[2:]}"}


def where(tenant_id: Any) -> Location:
    """The tenant's Location."""
    return next(iter(group([tenant_id])))


def claimed() -> Location:
    """A dedicated Location that nobody lives at yet."""
    from apps.isolation import placements, placing

    with transaction.atomic():
        return placements.location_of(placing._build("claimed"))


def test_a_workspace_without_tables_moves_nothing(stranger: Any) -> None:
    assert places.home_of(stranger.id) is None
    with transaction.atomic():
        begun = start_move(
            workspace_id=stranger.workspace.id,
            tenant_id=stranger.id,
            target=Level.DEDICATED_SCHEMA,
        )
    assert run_move(begun.id).status == "completed"


class Writer:
    """Writes notes through the pooler, one after the other, and remembers what was committed."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.kept: set[str] = set()
        self.refusals: list[str | None] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def wait_for(self, more: int) -> None:
        """Until so many more are committed."""
        wanted = len(self.kept) + more
        until(lambda: len(self.kept) >= wanted)

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            self._write(f"w{number}")
            number += 1

    def _write(self, text: str) -> None:
        """Until it is known to be committed, also when it is to stop: nothing is left in doubt."""
        deadline = time.monotonic() + BOUND_S
        while text not in self.kept:
            assert time.monotonic() < deadline, "nobody takes it"
            try:
                self.session.run("INSERT INTO notes (text) VALUES (%s)", text)
                self.kept.add(text)
            except psycopg.Error as error:
                self.refusals.append(error.sqlstate)
                with suppress(psycopg.Error):  # a lost answer: was it committed?
                    if self.session.run("SELECT 1 FROM notes WHERE text = %s", text):
                        self.kept.add(text)
