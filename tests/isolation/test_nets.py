"""The three nets, each alone: the router, the policies, the app's role (A19, X52, R1-R3)."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import DatabaseError, ProgrammingError
from psycopg import errors

from apps.isolation.public import NoScope, scope
from tests.isolation.conftest import Cast
from tests.isolation.probe import TABLE, Probe, direct, rows_of, superuser

Connection = psycopg.Connection[Any]


class TestRouter:
    """The first net: Django itself asks for a scope."""

    @pytest.mark.usefixtures("placed")
    def test_no_orm_access_outside_a_scope(self) -> None:
        row = Probe(tenant_id=uuid4(), note="x")
        attempts = [
            lambda: list(Probe.objects.all()),
            lambda: Probe.objects.count(),
            lambda: Probe.objects.filter(note="x").exists(),
            lambda: Probe.objects.update(note="x"),
            lambda: Probe.objects.all().delete(),
            lambda: Probe.objects.bulk_create([row]),
            lambda: list(Probe.objects.raw(f"SELECT * FROM {TABLE}")),
            row.save,
            row.delete,
        ]
        for attempt in attempts:
            with pytest.raises(NoScope):
                attempt()

    @pytest.mark.usefixtures("placed")
    @pytest.mark.parametrize("alias", ["default", "fleet"])
    def test_naming_the_database_by_hand_finds_no_table(self, alias: str) -> None:
        with pytest.raises(ProgrammingError, match="does not exist"):
            list(Probe.objects.using(alias).all())

    def test_a_query_made_inside_finds_nothing_outside(self, placed: Cast) -> None:
        with scope(placed.acme):
            lazy = Probe.objects.all()
        with pytest.raises(DatabaseError):
            list(lazy)


@pytest.fixture(params=["shared", "own"])
def app(request: Any, placed: Cast) -> Iterator[Connection]:
    """A plain connection of the app's role, in the shared schema and in a dedicated one."""
    schema = settings.SHARED_SCHEMA if request.param == "shared" else placed.globex_schema
    with direct(settings.ROLE_APP, schema) as connection:
        yield connection


def read(connection: Connection, tenant: str | UUID | None = None) -> set[str]:
    """What a SELECT sees, with the setting as given."""
    with connection.transaction():
        if tenant is not None:
            connection.execute("SELECT set_config('tenlyr.tenant_id', %s, true)", [str(tenant)])
        return {note for (note,) in connection.execute(f"SELECT note FROM {TABLE}")}


class TestPolicies:
    """The second net: without the setting there is no row, with it only the tenant's."""

    def test_there_are_rows(self, placed: Cast) -> None:
        shared = rows_of(settings.SHARED_SCHEMA)
        assert {placed.acme, placed.initech} <= set(shared)
        assert rows_of(placed.globex_schema) == {placed.globex: {f"of {placed.globex}"}}

    def test_without_the_setting_there_is_none(self, app: Connection) -> None:
        assert read(app) == set()
        assert read(app, "") == set()
        assert read(app, uuid4()) == set()

    def test_a_setting_that_is_no_id_is_an_error(self, app: Connection) -> None:
        for nonsense in ("*", "' OR true --", "all", str(uuid4())[:-1]):
            with pytest.raises(errors.InvalidTextRepresentation):
                read(app, nonsense)

    def test_with_the_setting_only_the_tenants_own(self, placed: Cast) -> None:
        with direct(settings.ROLE_APP) as app:
            assert read(app, placed.acme) == {f"of {placed.acme}"}
            assert read(app, placed.initech) == {f"of {placed.initech}"}
            assert read(app, placed.globex) == set()
        with direct(settings.ROLE_APP, placed.globex_schema) as app:
            assert read(app, placed.globex) == {f"of {placed.globex}"}
            assert read(app, placed.acme) == set()

    def test_the_setting_ends_with_its_transaction(self, placed: Cast) -> None:
        with direct(settings.ROLE_APP) as app:
            assert read(app, placed.acme) != set()
            assert read(app) == set()

    def test_without_the_setting_nothing_is_changed(self, app: Connection, placed: Cast) -> None:
        before = [rows_of(settings.SHARED_SCHEMA), rows_of(placed.globex_schema)]
        assert app.execute(f"UPDATE {TABLE} SET note = 'x'").rowcount == 0
        assert app.execute(f"DELETE FROM {TABLE}").rowcount == 0
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            app.execute(f"INSERT INTO {TABLE} VALUES (%s, %s, 'x')", [placed.acme, uuid4()])
        assert [rows_of(settings.SHARED_SCHEMA), rows_of(placed.globex_schema)] == before

    @pytest.mark.parametrize(
        "statement",
        [
            "INSERT INTO {t} VALUES (%(other)s, gen_random_uuid(), 'x')",
            "UPDATE {t} SET tenant_id = %(other)s",
            "INSERT INTO {t} SELECT %(mine)s, id, 'x' FROM {t}"
            " ON CONFLICT (tenant_id, id) DO UPDATE SET tenant_id = %(other)s",
            "MERGE INTO {t} USING (SELECT 1) AS one ON false WHEN NOT MATCHED THEN"
            " INSERT VALUES (%(other)s, gen_random_uuid(), 'x')",
        ],
    )
    def test_no_row_is_put_into_anothers_hands(self, placed: Cast, statement: str) -> None:
        before = rows_of(settings.SHARED_SCHEMA)
        with direct(settings.ROLE_APP) as app:
            setting = "SELECT set_config('tenlyr.tenant_id', %s, false)"
            app.execute(setting, [str(placed.acme)])
            names = {"mine": placed.acme, "other": placed.initech}
            with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
                app.execute(statement.format(t=TABLE), names)
        assert rows_of(settings.SHARED_SCHEMA) == before

    def test_copying_out_gives_the_own_rows_and_copying_in_is_refused(self, placed: Cast) -> None:
        with direct(settings.ROLE_APP) as app:
            app.execute("SELECT set_config('tenlyr.tenant_id', %s, false)", [str(placed.acme)])
            with app.cursor().copy(f"COPY (SELECT note FROM {TABLE}) TO STDOUT") as copy:
                assert b"".join(copy) == f"of {placed.acme}\n".encode()
            refused = pytest.raises(errors.FeatureNotSupported)
            with refused, app.cursor().copy(f"COPY {TABLE} FROM STDIN") as copy:
                copy.write(b"")

    def test_no_error_tells_of_a_hidden_row(self, placed: Cast) -> None:
        """A cast that fails on a foreign note would show the note: the policy comes first."""
        with direct(settings.ROLE_APP) as app:
            app.execute("SELECT set_config('tenlyr.tenant_id', %s, false)", [str(uuid4())])
            found = app.execute(f"SELECT 1 FROM {TABLE} WHERE note::int = 1")
            assert found.fetchall() == []

    def test_an_id_that_another_has_is_free(self, placed: Cast) -> None:
        shared_id = uuid4()
        for tenant_id in (placed.acme, placed.initech):
            with scope(tenant_id) as here, here.cursor() as cursor:
                row = [tenant_id, shared_id, f"of {tenant_id}"]
                cursor.execute(f"INSERT INTO {TABLE} VALUES (%s, %s, %s)", row)

    def test_the_planners_statistics_are_hidden(self, placed: Cast) -> None:
        with superuser() as cursor:
            cursor.execute(f"ANALYZE {settings.SHARED_SCHEMA}.{TABLE}")
            cursor.connection.commit()
        with direct(settings.ROLE_APP) as app:
            seen = app.execute("SELECT count(*) FROM pg_stats WHERE tablename = %s", [TABLE])
            assert seen.fetchone() == (0,)

    def test_the_owner_itself_is_bound(self, placed: Cast) -> None:
        with superuser() as cursor:
            cursor.execute("SET LOCAL ROLE tenlyr_owner")
            cursor.execute(f"SELECT count(*) FROM {settings.SHARED_SCHEMA}.{TABLE}")
            assert cursor.fetchone() == (0,)


FORBIDDEN = [
    "SET ROLE tenlyr_owner",
    "SET ROLE tenlyr_fleet",
    "SET ROLE tenlyr_deploy",
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION tenlyr_fleet",
    f"ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY",
    f"ALTER TABLE {TABLE} NO FORCE ROW LEVEL SECURITY",
    f"ALTER TABLE {TABLE} OWNER TO tenlyr_app",
    f"DROP POLICY tenant_fence ON {TABLE}",
    f"ALTER POLICY tenant_fence ON {TABLE} USING (true)",
    f"CREATE POLICY mine ON {TABLE} USING (true)",
    f"TRUNCATE {TABLE}",
    f"DROP TABLE {TABLE}",
    f"CREATE INDEX ON {TABLE} (note)",
    f"CREATE TRIGGER t BEFORE UPDATE ON {TABLE} FOR EACH ROW"
    " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    f"CREATE RULE r AS ON INSERT TO {TABLE} DO ALSO NOTHING",
    "GRANT tenlyr_owner TO tenlyr_app",
    "ALTER ROLE tenlyr_app BYPASSRLS",
    "ALTER ROLE tenlyr_app SUPERUSER",
    "ALTER ROLE tenlyr_app CREATEROLE",
    "ALTER ROLE tenlyr_fleet PASSWORD 'x'",
    "CREATE ROLE mine",
    "CREATE DATABASE mine",
    "CREATE SCHEMA mine",
    "CREATE EXTENSION dblink",
    "CREATE TABLE mine (a int)",
    "CREATE TABLE public.mine (a int)",
    "CREATE TEMP TABLE mine (a int)",
    f"CREATE VIEW public.mine AS SELECT * FROM {TABLE}",
    f"CREATE MATERIALIZED VIEW mine AS SELECT * FROM {TABLE}",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    "CREATE OR REPLACE FUNCTION public.isolation_build_schema(target text)"
    " RETURNS void LANGUAGE sql AS ''",
    "ALTER FUNCTION public.isolation_build_schema(text) SECURITY INVOKER",
    "DO $$ BEGIN EXECUTE 'SET ROLE tenlyr_owner'; END $$",
    "SELECT pg_read_file('PG_VERSION')",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "SELECT lo_import('/etc/passwd')",
    "SELECT pg_reload_conf()",
    "SELECT rolpassword FROM pg_authid",
    "SET session_replication_role = replica",
]


class TestRole:
    """The third net: the app's role cannot get around the policies."""

    @pytest.mark.parametrize("statement", FORBIDDEN)
    def test_it_may_not(self, app: Connection, statement: str) -> None:
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute(statement)

    def test_it_passes_nothing_on(self, app: Connection) -> None:
        privileges = f"SELECT relacl FROM pg_class WHERE oid = '{TABLE}'::regclass"
        before = app.execute(privileges).fetchone()
        app.execute(f"GRANT ALL ON {TABLE} TO PUBLIC")  # Postgres answers with a warning only
        assert app.execute(privileges).fetchone() == before

    def test_switching_row_security_off_is_an_error_not_a_way(self, app: Connection) -> None:
        app.execute("SET row_security = off")
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            app.execute(f"SELECT * FROM {TABLE}")

    @pytest.mark.parametrize(
        "target",
        [
            "public",
            "tenlyr_shared",
            "pg_catalog",
            "t_short",
            "T_" + "0" * 32,
            't_x"; DROP SCHEMA tenlyr_shared CASCADE; --',
            "t_" + "0" * 32 + "\n",
            "",
        ],
    )
    def test_the_definer_functions_take_only_names_of_ours(
        self, app: Connection, target: str
    ) -> None:
        for function in ("isolation_build_schema", "isolation_drop_schema"):
            with pytest.raises(errors.InvalidName):
                app.execute(f"SELECT public.{function}(%s)", [target])

    def test_no_living_schema_is_dropped(self, app: Connection, placed: Cast) -> None:
        with pytest.raises(errors.InvalidName, match="not a retired tenant schema"):
            app.execute("SELECT public.isolation_drop_schema(%s)", [placed.globex_schema])

    def test_a_schema_that_is_there_is_not_built_over(self, app: Connection, placed: Cast) -> None:
        with pytest.raises(errors.DuplicateSchema):
            app.execute("SELECT public.isolation_build_schema(%s)", [placed.globex_schema])

    def test_the_fleet_may_call_neither(self, placed: Cast) -> None:
        with direct(settings.ROLE_FLEET) as fleet:
            for function in ("isolation_build_schema", "isolation_drop_schema"):
                with pytest.raises(errors.InsufficientPrivilege):
                    fleet.execute(f"SELECT public.{function}(%s)", ["t_" + "0" * 32])

    def test_the_fleet_sees_nothing_of_the_control_plane_but_places(self, placed: Cast) -> None:
        with direct(settings.ROLE_FLEET, "public") as fleet:
            fleet.execute("SELECT * FROM isolation_placement, isolation_location LIMIT 1")
            for table in ("tenants_tenant", "tenants_tenantkey", "workspaces_adminkey"):
                with pytest.raises(errors.InsufficientPrivilege):
                    fleet.execute(f"SELECT * FROM {table}")
            for table in ("isolation_placement", "isolation_location"):
                with pytest.raises(errors.InsufficientPrivilege):
                    fleet.execute(f"DELETE FROM {table}")
