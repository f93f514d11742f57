"""Scopes: one tenant, one transaction, and nothing left behind (R1, R3)."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.db.utils import InternalError, ProgrammingError

from apps.isolation import scopes
from apps.isolation.public import (
    Location,
    NoScope,
    ScopeConflict,
    UnknownTenant,
    control_fleet,
    fleet,
    locations,
    scope,
)
from apps.workspaces.models import Workspace
from tests.core.threads import together
from tests.core.transactions import failing, undone
from tests.isolation.conftest import Cast
from tests.isolation.probe import TABLE, Probe, rows_of

SHARED = settings.SHARED_SCHEMA


def notes() -> set[str]:
    """What the scope at hand sees through the ORM."""
    return set(Probe.objects.values_list("note", flat=True))


def of(*tenant_ids: UUID) -> set[str]:
    """The notes that belong to tenants."""
    return {f"of {tenant_id}" for tenant_id in tenant_ids}


def session(alias: str = "default") -> tuple[str, str]:
    """Search path and tenant of the connection, as the next user of it would find them."""
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('search_path'), current_setting('tenlyr.tenant_id', true)"
        )
        path, tenant = cursor.fetchone()
        return path.strip('"'), tenant or ""


def shared() -> Location:
    """The Location that many tenants share."""
    return next(one for one in locations() if one.schema == SHARED)


@pytest.fixture(autouse=True)
def nothing_is_left_behind(placed: Cast) -> Any:
    """After every test: no scope, no setting on either connection, the same rows."""
    yield
    with pytest.raises(NoScope):
        scopes.require()
    for alias in ("default", "fleet"):
        assert session(alias) == ("public", "")
        assert not connections[alias].in_atomic_block


class TestOne:
    def test_each_tenant_sees_its_own(self, placed: Cast) -> None:
        for tenant_id in (placed.acme, placed.initech, placed.globex):
            with scope(tenant_id) as here:
                assert notes() == of(tenant_id)
                with here.cursor() as cursor:
                    cursor.execute(f"SELECT note FROM {TABLE}")
                    assert {note for (note,) in cursor.fetchall()} == of(tenant_id)

    def test_it_is_a_transaction(self, placed: Cast) -> None:
        with failing(scope(placed.acme)):
            Probe.objects.create(tenant_id=placed.acme, note="undone")
        assert "undone" not in rows_of(SHARED)[placed.acme]
        with scope(placed.acme):
            assert notes() == of(placed.acme)

    def test_nobody_elsewhere_is_nowhere(self) -> None:
        with pytest.raises(UnknownTenant), scope(uuid4()):
            pytest.fail("there is no such tenant")

    def test_read_only_refuses_to_write(self, placed: Cast) -> None:
        with scope(placed.acme, read_only=True):
            assert notes() == of(placed.acme)
            with pytest.raises(InternalError, match="read-only"):
                Probe.objects.create(tenant_id=placed.acme, note="x")

    def test_a_foreign_row_cannot_be_written(self, placed: Cast) -> None:
        with pytest.raises(ProgrammingError, match="row-level security"), scope(placed.acme):
            Probe.objects.create(tenant_id=placed.initech, note="x")
        assert rows_of(SHARED)[placed.initech] == of(placed.initech)

    def test_the_control_plane_is_out_of_sight_inside(self, placed: Cast) -> None:
        with pytest.raises(ProgrammingError, match="does not exist"), scope(placed.globex):
            Workspace.objects.first()

    def test_a_cursor_that_outlives_its_scope_finds_nothing(self, placed: Cast) -> None:
        with scope(placed.acme) as here:
            cursor = here.cursor()
        with cursor, pytest.raises(DatabaseError):
            cursor.execute(f"SELECT * FROM {TABLE}")

    def test_another_thread_is_outside(self, placed: Cast) -> None:
        def look() -> str:
            try:
                return str(notes())
            except NoScope:
                return "outside"

        with scope(placed.acme):
            assert together([look, look]) == ["outside", "outside"]


class TestNested:
    def test_the_same_tenant_again_is_the_same_scope(self, placed: Cast) -> None:
        with scope(placed.acme) as outer:
            with scope(placed.acme) as inner:
                assert inner is outer
                assert notes() == of(placed.acme)
            assert notes() == of(placed.acme)

    @pytest.mark.parametrize("other", ["initech", "globex"])
    def test_another_tenant_is_a_conflict_and_the_outer_goes_on(
        self, placed: Cast, other: str
    ) -> None:
        with scope(placed.acme):
            with pytest.raises(ScopeConflict), scope(getattr(placed, other)):
                pytest.fail("two tenants at once")
            assert notes() == of(placed.acme)

    def test_an_error_inside_the_inner_leaves_the_outer_whole(self, placed: Cast) -> None:
        with scope(placed.acme):
            with scope(placed.acme), undone():
                Probe.objects.create(tenant_id=placed.acme, note="undone")
            assert notes() == of(placed.acme)

    def test_fleet_and_tenant_exclude_each_other(self, placed: Cast) -> None:
        location = shared()
        with scope(placed.acme), pytest.raises(ScopeConflict), fleet(location):
            pytest.fail("a fleet inside a tenant")
        with fleet(location), pytest.raises(ScopeConflict), scope(placed.acme):
            pytest.fail("a tenant inside a fleet")
        with fleet(location), pytest.raises(ScopeConflict), fleet(location):
            pytest.fail("a fleet inside a fleet")


class TestInsideATransaction:
    @pytest.mark.parametrize("who", ["acme", "globex"])
    def test_the_control_plane_is_back_afterwards(self, placed: Cast, who: str) -> None:
        tenant_id = getattr(placed, who)
        with transaction.atomic():
            before = Workspace.objects.count()
            with scope(tenant_id):
                assert notes() == of(tenant_id)
            assert session() == ("public", "")
            assert Workspace.objects.count() == before
            with pytest.raises(NoScope):
                notes()

    def test_one_scope_after_another(self, placed: Cast) -> None:
        with transaction.atomic():
            for tenant_id in (placed.acme, placed.globex, placed.initech, placed.acme):
                with scope(tenant_id):
                    assert notes() == of(tenant_id)

    def test_an_error_undoes_the_scope_and_only_that(self, placed: Cast) -> None:
        with undone():
            made = Workspace.objects.create(name="kept", plan="starter")
            with failing(scope(placed.globex)):
                Probe.objects.create(tenant_id=placed.globex, note="undone")
            assert session() == ("public", "")
            assert Workspace.objects.filter(pk=made.pk).exists()
            with scope(placed.globex):
                assert notes() == of(placed.globex)

    def test_a_database_error_does_so_too(self, placed: Cast) -> None:
        with transaction.atomic():
            with pytest.raises(ProgrammingError), scope(placed.acme) as here:
                here.cursor().execute("SELECT * FROM no_such_table")
            assert session() == ("public", "")
            with scope(placed.acme):
                assert notes() == of(placed.acme)

    def test_all_of_it_is_undone_with_the_transaction(self, placed: Cast) -> None:
        with undone(), scope(placed.acme):
            Probe.objects.create(tenant_id=placed.acme, note="undone")
        assert rows_of(SHARED)[placed.acme] == of(placed.acme)

    def test_a_savepoint_inside_the_scope_keeps_the_settings(self, placed: Cast) -> None:
        with scope(placed.acme):
            with undone():
                Probe.objects.create(tenant_id=placed.acme, note="undone")
            assert notes() == of(placed.acme)


class TestAfterTheCommit:
    @pytest.fixture
    def seen(self) -> list[Any]:
        """What the hooks saw."""
        return []

    def hook(self, seen: list[Any], tenant_id: UUID) -> Callable[[], None]:
        """A hook that uses the control plane and opens a scope of its own."""

        def run() -> None:
            seen.append(Workspace.objects.exists() or True)
            with scope(tenant_id):
                seen.append(notes())

        return run

    def test_hooks_of_a_scope_run_outside_it(self, placed: Cast, seen: list[Any]) -> None:
        with scope(placed.acme):
            transaction.on_commit(self.hook(seen, placed.globex))
        assert seen == [True, of(placed.globex)]

    def test_hooks_of_a_scope_in_a_transaction_too(self, placed: Cast, seen: list[Any]) -> None:
        with transaction.atomic():
            with scope(placed.acme):
                transaction.on_commit(self.hook(seen, placed.acme))
            assert seen == []
        assert seen == [True, of(placed.acme)]


class TestFleet:
    def test_all_tenants_of_one_location(self, placed: Cast) -> None:
        with fleet(shared()) as here:
            assert here.tenant_id is None
            assert of(placed.acme, placed.initech) <= notes()
            assert not of(placed.globex) & notes()
        own = next(one for one in locations() if one.schema == placed.globex_schema)
        with fleet(own):
            assert notes() == of(placed.globex)

    def test_it_reads_unless_told_otherwise(self, placed: Cast) -> None:
        with pytest.raises(InternalError, match="read-only"), fleet(shared()):
            Probe.objects.update(note="x")
        with failing(fleet(shared(), read_only=False)):
            assert Probe.objects.filter(tenant_id=placed.acme).update(note="x") == 1
        assert rows_of(SHARED)[placed.acme] == of(placed.acme)

    def test_it_joins_the_transaction_of_the_control_fleet(self, placed: Cast) -> None:
        location = shared()
        with failing(control_fleet()) as connection:
            with fleet(location, read_only=False):
                Probe.objects.filter(tenant_id=placed.acme).update(note="x")
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM isolation_placement")
            assert session("fleet") == ("public", "")
        assert rows_of(SHARED)[placed.acme] == of(placed.acme)


class TestBackend:
    def test_tenant_work_outside_a_transaction_is_refused(self, placed: Cast) -> None:
        connection: Any = connections["default"]
        with scope(placed.acme):
            tenancy = connection.tenancy
        connection.tenancy = tenancy
        try:
            with pytest.raises(DatabaseError, match=r"isolation\.scope"):
                connection.cursor().execute("SELECT 1")
        finally:
            scopes._leave(connection)

    def test_names_cannot_break_out_of_the_settings(self, placed: Cast) -> None:
        from apps.isolation.backend.base import Tenancy

        connection: Any = connections["default"]
        evil = "x'; DROP TABLE public.isolation_probe; --\"\\"
        with transaction.atomic():
            connection.enter(Tenancy(evil, evil))
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('tenlyr.tenant_id')")
                assert cursor.fetchone() == (evil,)
            connection.enter(scopes.PUBLIC)
