"""What may make roles or run DDL, and how far each reaches when the net before it has a hole."""

from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connections, transaction

from tests import cast
from tests.cast import Account
from tests.dataplane.plane import release

# What a web process may ask of the data plane's functions; all others are the owner's.
OF_THE_APP = {"add_login", "drop_login", "version_of", "dataplane_apply", "dataplane_build"}
# SQL that no parser should let through; here it did.
NASTY = [
    "SET ROLE tenlyr_owner",
    "SELECT set_config('role', 'tenlyr_owner', true)",
    "SET SESSION AUTHORIZATION tenlyr_owner",
    "RESET ROLE",
    "SELECT * FROM public.tenants_tenant",
    "DROP TABLE public.tenants_tenant",
    "ALTER TABLE tenlyr_shared.usage_event DISABLE ROW LEVEL SECURITY",
    "UPDATE tenlyr_dataplane.login SET tenant_id = gen_random_uuid()",
    "DROP TABLE {other}.notes",
    "SELECT * FROM {other}.notes",
    "ALTER TABLE {other}.notes DISABLE ROW LEVEL SECURITY",
    "CREATE FUNCTION tenlyr_dataplane.tenant(here text) RETURNS uuid LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE tenlyr_dataplane.mine (a int)",
    "CREATE TABLE public.mine (a int)",
    "CREATE ROLE mine LOGIN",
    "ALTER ROLE tenlyr_app SUPERUSER",
    "GRANT tenlyr_owner TO tenlyr_app",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT tenlyr_dataplane.fence('{other}')",
    "SELECT tenlyr_dataplane.remove_role('tenlyr_t_000000000000000000000000')",
]
REFUSED = {"42501", "0A000", "42P01", "3F000", "42723", "22023"}


@pytest.fixture(scope="module")
def accounts(_database: None) -> tuple[Account, Account]:
    """Two operators with the same tables."""
    pair = (cast.workspace(), cast.workspace())
    for one in pair:
        release(one)
    return pair


def run(account: Account, statement: str) -> None:
    """The statement, as a release of the account would run it."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(
            f"SELECT tenlyr_dataplane.run_{account.id.hex}(%s, %s)",
            [f"op_{account.id.hex}", [statement]],
        )


@pytest.mark.parametrize("statement", NASTY)
def test_a_statement_reaches_no_further_than_its_workspace(
    accounts: tuple[Account, Account], statement: str
) -> None:
    mine, other = accounts
    with pytest.raises(DatabaseError) as caught:
        run(mine, statement.format(other=f"op_{other.id.hex}"))
    assert sqlstate(caught.value) in REFUSED, caught.value


def sqlstate(error: DatabaseError) -> str:
    return str(getattr(error.__cause__, "sqlstate", ""))


def test_the_workspaces_role_owns_its_schema_and_nothing_else(
    accounts: tuple[Account, Account],
) -> None:
    role = f"tenlyr_w_{accounts[0].id.hex}"
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls"
            " FROM pg_roles WHERE rolname = %s",
            [role],
        )
        assert cursor.fetchall() == [(False,) * 5]
        cursor.execute(
            "SELECT DISTINCT n.nspname FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE c.relowner = %s::regrole AND nspname <> 'pg_toast'",
            [role],
        )
        assert cursor.fetchall() == [(f"op_{accounts[0].id.hex}",)]
        cursor.execute(
            "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member"
            " WHERE r.rolname = %s",
            [role],
        )
        assert cursor.fetchone()[0] == 0


def test_the_owner_of_the_tables_sees_no_row(accounts: tuple[Account, Account]) -> None:
    """It has no policy, and RLS is forced on owners."""
    mine = accounts[0]
    tenant = cast.tenant(mine)
    with transaction.atomic(using="fleet"), connections["fleet"].cursor() as cursor:
        cursor.execute(
            f"INSERT INTO op_{mine.id.hex}.notes (tenant_id, text) VALUES (%s, 'x')", [tenant.id]
        )
    with pytest.raises(DatabaseError) as caught:
        run(mine, "DO $$ BEGIN RAISE '%', (SELECT count(*) FROM notes); END $$")
    assert str(caught.value).startswith("0")


def may(role: str) -> set[str]:
    """The data plane's functions that a role may call."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT proname::text FROM pg_proc WHERE (pronamespace ="
            " 'tenlyr_dataplane'::regnamespace OR proname LIKE 'dataplane\\_%%')"
            " AND has_function_privilege(%s, oid, 'EXECUTE')",
            [role],
        )
        return {name for (name,) in cursor.fetchall()}


def test_who_may_call_what() -> None:
    assert may("public") == set()
    assert may(settings.ROLE_APP) == OF_THE_APP | {"dataplane_drop"}
    assert may(settings.ROLE_FLEET) == set()
    assert may("tenlyr_pooler") == {"verifier_of"}


def test_every_function_says_where_names_are_looked_up() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'tenlyr_dataplane'::regnamespace"
            " AND NOT coalesce(proconfig::text LIKE '%search_path=pg_catalog, pg_temp%', false)"
        )
        assert cursor.fetchall() == []


def test_the_maker_of_roles_is_nobody() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT rolcanlogin, rolsuper, rolcreatedb, rolbypassrls, rolreplication"
            " FROM pg_roles WHERE rolname = 'tenlyr_logins'"
        )
        assert cursor.fetchall() == [(False,) * 5]


@pytest.mark.parametrize(
    ("function", "values"),
    [
        ("ensure_group", ["tenlyr_app"]),
        ("ensure_group", ["tenlyr_g_x"]),
        ("ensure_login", ["tenlyr_app", "SCRAM-SHA-256$", None, 1]),
        ("ensure_login", ["tenlyr_t_000000000000000000000000", "md5abc", None, 1]),
        ("remove_role", ["tenlyr_app"]),
        ("remove_role", ["tenlyr_owner"]),
        ("group_of", ["public"]),
        ("group_of", ["tenlyr_shared"]),
        ("fence", ["public"]),
        ("drop_schema_of", ["public"]),
        ("drop_schema_of", ["t_00000000000000000000000000000000"]),
    ],
)
def test_names_of_another_shape_are_refused(function: str, values: list[Any]) -> None:
    places = ", ".join(["%s"] * len(values))
    with (
        pytest.raises(DatabaseError) as caught,
        transaction.atomic(using="owner"),
        connections["owner"].cursor() as cursor,
    ):
        cursor.execute(f"SELECT tenlyr_dataplane.{function}({places})", values)
    assert sqlstate(caught.value) == "42602"


@pytest.mark.parametrize("schema", ["public", "op_{other}", "d_{zeros}", "tenlyr_shared"])
def test_the_app_builds_for_a_workspace_only_what_is_its_own(
    accounts: tuple[Account, Account], schema: str
) -> None:
    named = schema.format(other=accounts[1].id.hex, zeros="0" * 32)
    with (
        pytest.raises(DatabaseError) as caught,
        transaction.atomic(),
        connections["default"].cursor() as cursor,
    ):
        cursor.execute("SELECT public.dataplane_build(%s, %s)", [accounts[0].id, named])
    assert sqlstate(caught.value) == "42602"


def test_a_lived_in_schema_is_not_dropped(accounts: tuple[Account, Account], api: Any) -> None:
    own = cast.tenant(accounts[0], isolation_level="dedicated_schema")
    schema = api.get("/api/v1/isolation/connection", key=own.key).body["schema"]
    for named, state in ((schema, "55006"), (f"op_{accounts[0].id.hex}", "55006")):
        with (
            pytest.raises(DatabaseError) as caught,
            transaction.atomic(),
            connections["default"].cursor() as cursor,
        ):
            cursor.execute("SELECT public.dataplane_drop(%s)", [named])
        assert sqlstate(caught.value) == state


def test_what_is_released_stays_as_it_is(accounts: tuple[Account, Account]) -> None:
    for statement in (
        "UPDATE dataplane_release SET statements = '[]' WHERE workspace_id = %s",
        "DELETE FROM dataplane_release WHERE workspace_id = %s",
    ):
        with (
            pytest.raises(DatabaseError) as caught,
            transaction.atomic(),
            connections["default"].cursor() as cursor,
        ):
            cursor.execute(statement, [accounts[0].id])
        assert sqlstate(caught.value) == "42501"
