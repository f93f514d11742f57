"""The catalogue lint: silent on a whole installation, and each planted defect is named (R2).

Every plant is made in a transaction of its own, undone at its end.
"""

import io
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.isolation import lint
from apps.isolation.operations import CONTEXT
from apps.isolation.public import Level, release
from tests.isolation import probe
from tests.isolation.test_lint_operators import OPERATORS

SHARED = settings.SHARED_SCHEMA
Cursor = psycopg.Cursor[Any]


@pytest.fixture(scope="module")
def own(_database: None) -> Iterator[str]:
    """A dedicated schema."""
    placement = probe.settle(Level.DEDICATED_SCHEMA)
    yield placement.location.schema
    release(placement.tenant_id)


@pytest.fixture(params=["shared", "own"])
def schema(request: Any, own: str) -> str:
    """The shared schema, and a dedicated one."""
    return SHARED if request.param == "shared" else own


def found_after(statements: str, schema: str, role: str = "tenlyr_owner") -> set[tuple[str, str]]:
    """What the lint says after `statements`, with names put in."""
    with probe.superuser() as cursor:
        names = {"s": schema, "context": CONTEXT}
        cursor.execute(f"SET LOCAL ROLE {role}")
        for statement in statements.split(";;"):
            cursor.execute(statement.format(**names))
        cursor.execute("RESET ROLE")
        said = lint.read(cursor, probe.schemas())
        return {(one.defect, one.object.replace(schema, "S")) for one in said}


TABLE = "{s}.usage_rollup"
RESTRICTIVE = f"CREATE POLICY tenant_fence ON {TABLE} AS RESTRICTIVE"
DROP_FENCE = f"DROP POLICY tenant_fence ON {TABLE};;"
ROLLUP = "S.usage_rollup"
PART = "{s}.usage_event_1999"
A_PARTITION = (
    f"CREATE TABLE {PART} PARTITION OF {{s}}.usage_event"
    " FOR VALUES FROM ('1999-01-01') TO ('1999-02-01');;"
    f"ALTER TABLE {PART} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;;"
)

# Name -> statements of the owner, and the findings: (defect, object).
IN_A_LOCATION: dict[str, tuple[str, tuple[str, str]]] = {
    "RLS off": (f"ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY", ("no_rls", ROLLUP)),
    "RLS not forced": (f"ALTER TABLE {TABLE} NO FORCE ROW LEVEL SECURITY", ("no_force", ROLLUP)),
    "RLS off on a partition": (
        f"{A_PARTITION}ALTER TABLE {PART} DISABLE ROW LEVEL SECURITY",
        ("no_rls", "S.usage_event_1999"),
    ),
    "fence dropped": (
        f"DROP POLICY tenant_fence ON {TABLE}",
        ("no_restrictive_fence", ROLLUP),
    ),
    "fence open": (
        f"ALTER POLICY tenant_fence ON {TABLE} USING (true) WITH CHECK (true)",
        ("no_restrictive_fence", ROLLUP),
    ),
    "fence open to writing": (
        f"ALTER POLICY tenant_fence ON {TABLE} WITH CHECK (tenant_id IS NOT NULL)",
        ("no_restrictive_fence", ROLLUP),
    ),
    "fence open without a setting": (
        f"ALTER POLICY tenant_fence ON {TABLE} USING (tenant_id = coalesce({{context}}, tenant_id))"
        f" WITH CHECK (tenant_id = coalesce({{context}}, tenant_id))",
        ("no_restrictive_fence", ROLLUP),
    ),
    "fence for reading only": (
        f"{DROP_FENCE}{RESTRICTIVE} FOR SELECT TO tenlyr_app USING (tenant_id = {{context}})",
        ("no_restrictive_fence", ROLLUP),
    ),
    "fence for another role": (
        f"{DROP_FENCE}{RESTRICTIVE} TO tenlyr_fleet USING (tenant_id = {{context}})"
        " WITH CHECK (tenant_id = {context})",
        ("no_restrictive_fence", ROLLUP),
    ),
    "fence that is no fence": (
        f"{DROP_FENCE}CREATE POLICY tenant_fence ON {TABLE} TO tenlyr_app"
        " USING (tenant_id = {context}) WITH CHECK (tenant_id = {context})",
        ("no_restrictive_fence", ROLLUP),
    ),
    "policy that is always true": (
        f"CREATE POLICY open ON {TABLE} TO tenlyr_app USING (true)",
        ("permissive_true", ROLLUP),
    ),
    "policy that is always true, for all": (
        f"CREATE POLICY open ON {TABLE} FOR INSERT WITH CHECK (true)",
        ("permissive_true", ROLLUP),
    ),
    "the fleet's policy given to the app": (
        f"ALTER POLICY fleet_rw ON {TABLE} TO tenlyr_fleet, tenlyr_app",
        ("permissive_true", ROLLUP),
    ),
    "policy with an OR": (
        f"CREATE POLICY slow ON {TABLE} TO tenlyr_app"
        " USING (tenant_id = {context} OR metric = 'public')",
        ("policy_with_or", ROLLUP),
    ),
    "policy with another text": (
        f"CREATE POLICY other ON {TABLE} TO tenlyr_app USING (tenant_id IS NOT NULL)",
        ("other_policy", ROLLUP),
    ),
    "a rule that copies rows": (
        f"CREATE RULE copy AS ON INSERT TO {TABLE} DO ALSO NOTIFY somebody",
        ("rule_on_table", ROLLUP),
    ),
    "granted to a role of somebody else's": (
        f"GRANT SELECT (metric) ON {TABLE} TO pg_monitor",
        ("granted_to_other", f"{ROLLUP} to pg_monitor"),
    ),
    "view with its owner's rights": (
        f"CREATE VIEW {{s}}.v AS SELECT * FROM {TABLE}",
        ("view_not_invoker", "S.v"),
    ),
    "materialized view": (
        f"CREATE MATERIALIZED VIEW {{s}}.m AS SELECT * FROM {TABLE}",
        ("matview_or_foreign", "S.m"),
    ),
    "unique without tenant": (
        f"CREATE UNIQUE INDEX ON {TABLE} (start, grain, metric) WHERE false",
        ("unique_without_tenant", ROLLUP),
    ),
    "foreign key without tenant": (
        f"ALTER TABLE {TABLE} ADD other uuid, ADD FOREIGN KEY (other, grain, metric, start)"
        f" REFERENCES {TABLE} (tenant_id, grain, metric, start)",
        ("fk_without_tenant", ROLLUP),
    ),
    "granted to everybody": (f"GRANT SELECT ON {TABLE} TO PUBLIC", ("granted_to_public", ROLLUP)),
    "a column granted to everybody": (
        f"GRANT SELECT (metric) ON {TABLE} TO PUBLIC",
        ("granted_to_public", ROLLUP),
    ),
    "TRUNCATE": (f"GRANT TRUNCATE ON {TABLE} TO tenlyr_app", ("excessive_grant", ROLLUP)),
    "REFERENCES": (f"GRANT REFERENCES ON {TABLE} TO tenlyr_fleet", ("excessive_grant", ROLLUP)),
    "TRIGGER": (f"GRANT TRIGGER ON {TABLE} TO tenlyr_app", ("excessive_grant", ROLLUP)),
    "may pass it on": (
        f"GRANT SELECT ON {TABLE} TO tenlyr_app WITH GRANT OPTION",
        ("excessive_grant", ROLLUP),
    ),
    "a partition with a grant of its own": (
        f"{A_PARTITION}GRANT SELECT ON {PART} TO tenlyr_app",
        ("granted_partition", "S.usage_event_1999"),
    ),
    "CREATE on the schema": (
        "GRANT CREATE ON SCHEMA {s} TO tenlyr_app",
        ("schema_create_grant", "S"),
    ),
    "definer function with the caller's search path": (
        "CREATE FUNCTION {s}.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        ("definer_no_search_path", "S.f"),
    ),
    "definer function for everybody": (
        "CREATE FUNCTION {s}.f() RETURNS int LANGUAGE sql SECURITY DEFINER"
        " SET search_path = '' AS 'SELECT 1';;GRANT EXECUTE ON FUNCTION {s}.f() TO PUBLIC",
        ("definer_open_to_public", "S.f"),
    ),
}

# The same for what only a superuser can plant, or what no Location holds.
ANYWHERE: dict[str, tuple[str, tuple[str, str]]] = {
    **{
        f"the app's role may {attribute}": (
            f"ALTER ROLE tenlyr_app {attribute}",
            ("dangerous_role", "tenlyr_app"),
        )
        for attribute in ("BYPASSRLS", "SUPERUSER", "CREATEROLE", "CREATEDB", "REPLICATION")
    },
    "a new role that may BYPASSRLS": (
        "CREATE ROLE tenlyr_report LOGIN BYPASSRLS",
        ("dangerous_role", "tenlyr_report"),
    ),
    "the app owns a table": (
        "CREATE SCHEMA elsewhere;;CREATE TABLE elsewhere.t (a int);;"
        "ALTER TABLE elsewhere.t OWNER TO tenlyr_app",
        ("role_owns_objects", "tenlyr_app"),
    ),
    "the app owns a function": (
        "CREATE SCHEMA elsewhere;;CREATE FUNCTION elsewhere.f() RETURNS int LANGUAGE sql"
        " AS 'SELECT 1';;ALTER FUNCTION elsewhere.f() OWNER TO tenlyr_fleet",
        ("role_owns_objects", "tenlyr_fleet"),
    ),
    "the app is the owner": (
        "GRANT tenlyr_owner TO tenlyr_app",
        ("role_is_member", "tenlyr_app of tenlyr_owner"),
    ),
    "the app is the fleet": (
        "GRANT tenlyr_fleet TO tenlyr_app",
        ("role_is_member", "tenlyr_app of tenlyr_fleet"),
    ),
    "a table of somebody else's": (
        "CREATE TABLE public.t (a int)",
        ("foreign_owner", "public.t"),
    ),
    "a foreign table": (
        "CREATE FOREIGN DATA WRAPPER w;;CREATE SERVER away FOREIGN DATA WRAPPER w;;"
        "CREATE FOREIGN TABLE public.f (a int) SERVER away",
        ("matview_or_foreign", "public.f"),
    ),
    "a view in a schema of its own": (
        "CREATE SCHEMA elsewhere;;CREATE VIEW elsewhere.near WITH (security_invoker=true)"
        f" AS SELECT * FROM {TABLE};;CREATE VIEW elsewhere.v AS SELECT * FROM elsewhere.near",
        ("window_elsewhere", "elsewhere.v"),
    ),
    "a definer function in a schema of its own": (
        "CREATE SCHEMA elsewhere;;CREATE FUNCTION elsewhere.f() RETURNS int LANGUAGE sql"
        " SECURITY DEFINER SET search_path = '' AS 'SELECT 1'",
        ("definer_open_to_public", "elsewhere.f"),
    ),
    "the owner may BYPASSRLS": (
        "ALTER ROLE tenlyr_owner BYPASSRLS",
        ("dangerous_owner", "tenlyr_owner"),
    ),
    "somebody else is the fleet": (
        "CREATE ROLE report;;GRANT tenlyr_fleet TO report",
        ("role_has_member", "tenlyr_fleet has report"),
    ),
    "new tables for somebody else": (
        "ALTER DEFAULT PRIVILEGES FOR ROLE tenlyr_owner GRANT SELECT ON TABLES TO pg_monitor",
        ("default_grant_to_other", "pg_monitor"),
    ),
    "everybody may create in public": (
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        ("schema_create_grant", "public"),
    ),
    "a control table for everybody": (
        "GRANT SELECT ON public.tenants_tenant TO PUBLIC",
        ("granted_to_public", "public.tenants_tenant"),
    ),
    "a view on the control plane": (
        "SET ROLE tenlyr_owner;;CREATE VIEW public.v AS SELECT 1",
        ("view_not_invoker", "public.v"),
    ),
    "new tables for everybody": (
        "ALTER DEFAULT PRIVILEGES FOR ROLE tenlyr_owner GRANT SELECT ON TABLES TO PUBLIC",
        ("default_grant_to_public", "tenlyr_owner"),
    ),
    "a tenant by default for the app": (
        "ALTER ROLE tenlyr_app SET tenlyr.tenant_id = '01a1fc7a-9875-7907-a9ff-a2c7536e2851'",
        ("tenant_by_default", "tenlyr_app"),
    ),
    "a tenant by default for the database": (
        "ALTER DATABASE tenlyr SET tenlyr.tenant_id = '01a1fc7a-9875-7907-a9ff-a2c7536e2851'",
        ("tenant_by_default", "every role"),
    ),
}


def test_the_installation_has_no_defect(own: str) -> None:
    assert lint.findings() == []
    said = io.StringIO()
    call_command("isolation_lint", stdout=said)
    assert said.getvalue() == "No defect: every tenant-owned table is fenced.\n"


def test_the_probe_of_the_other_tests_has_none_either(own: str) -> None:
    with probe.planted():
        assert lint.findings() == []


@pytest.mark.parametrize(("statements", "finding"), IN_A_LOCATION.values(), ids=IN_A_LOCATION)
def test_a_defect_in_a_location_is_found_and_nothing_else(
    schema: str, statements: str, finding: tuple[str, str]
) -> None:
    assert found_after(statements, schema) == {finding}


@pytest.mark.parametrize(("statements", "finding"), ANYWHERE.values(), ids=ANYWHERE)
def test_a_defect_anywhere_is_found_and_nothing_else(
    own: str, statements: str, finding: tuple[str, str]
) -> None:
    assert found_after(statements, own, role="postgres") == {finding}


def test_a_table_that_was_forgotten_is_found_from_every_side(schema: str) -> None:
    found = found_after("CREATE TABLE {s}.forgotten (tenant_id uuid PRIMARY KEY)", schema)
    assert found == {
        ("no_rls", "S.forgotten"),
        ("no_force", "S.forgotten"),
        ("no_restrictive_fence", "S.forgotten"),
    }


@pytest.mark.parametrize(
    "sound",
    [
        f"CREATE VIEW {{s}}.v WITH (security_invoker=true) AS SELECT * FROM {TABLE}",
        "CREATE TABLE {s}.settings (a int PRIMARY KEY)",
        A_PARTITION.removesuffix(";;"),
        f"CREATE UNIQUE INDEX ON {TABLE} (metric, start, grain, tenant_id)",
        "CREATE FUNCTION {s}.f() RETURNS int LANGUAGE sql SECURITY DEFINER"
        " SET search_path = pg_catalog AS 'SELECT 1';;"
        "GRANT EXECUTE ON FUNCTION {s}.f() TO tenlyr_app",
        "CREATE FUNCTION {s}.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        f"CREATE POLICY more ON {TABLE} AS RESTRICTIVE TO tenlyr_app USING (metric <> 'x')",
        f"GRANT INSERT ON {TABLE} TO tenlyr_app",
    ],
)
def test_what_is_sound_is_not_named(schema: str, sound: str) -> None:
    assert found_after(sound, schema) == set()


def test_every_rule_of_the_lint_has_a_plant() -> None:
    plants = [*IN_A_LOCATION.values(), *ANYWHERE.values(), *OPERATORS.values()]
    planted = {finding[0] for _, finding in plants}
    rules = {line.split("'")[1] for line in lint.SQL.splitlines() if line.startswith("SELECT '")}
    assert planted == rules


def test_the_command_names_the_defect_and_fails() -> None:
    with probe.superuser() as cursor:  # committed, because the command has its own connection
        cursor.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
        cursor.connection.commit()
        said = io.StringIO()
        try:
            with pytest.raises(CommandError, match="1 defects"):
                call_command("isolation_lint", stdout=said)
        finally:
            cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
            cursor.connection.commit()
    assert said.getvalue() == "schema_create_grant: public\n"
