"""The catalogue lint on an operator's own tables: each planted defect is named, and alone."""

import pytest

from apps.isolation import lint
from tests.isolation import probe

TABLE = "{s}.notes"
NOTES = "S.notes"
LOOKUP = "tenlyr_dataplane.login"
OWN = "(tenant_id = (SELECT tenlyr_dataplane.tenant('{s}')))"

# Name -> statements as superuser, and the findings.
OPERATORS: dict[str, tuple[str, tuple[str, str]]] = {
    "RLS off": (f"ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY", ("no_rls", NOTES)),
    "RLS not forced": (f"ALTER TABLE {TABLE} NO FORCE ROW LEVEL SECURITY", ("no_force", NOTES)),
    "fence dropped": (f"DROP POLICY tenant_fence ON {TABLE}", ("no_restrictive_fence", NOTES)),
    "fence that trusts a setting": (
        f"ALTER POLICY tenant_fence ON {TABLE}"
        " USING (tenant_id = (SELECT nullif(current_setting('tenlyr.tenant_id', true), '')::uuid))"
        " WITH CHECK"
        " (tenant_id = (SELECT nullif(current_setting('tenlyr.tenant_id', true), '')::uuid))",
        ("no_restrictive_fence", NOTES),
    ),
    "fence of another schema": (
        f"DROP POLICY tenant_fence ON {TABLE};;CREATE POLICY tenant_fence ON {TABLE}"
        " AS RESTRICTIVE TO {g} USING (tenant_id = (SELECT tenlyr_dataplane.tenant('public')))"
        " WITH CHECK (tenant_id = (SELECT tenlyr_dataplane.tenant('public')))",
        ("no_restrictive_fence", NOTES),
    ),
    "fence for somebody else": (
        f"ALTER POLICY tenant_fence ON {TABLE} TO tenlyr_app",
        ("no_restrictive_fence", NOTES),
    ),
    "policy that is always true": (
        f"CREATE POLICY open ON {TABLE} TO {{g}} USING (true)",
        ("permissive_true", NOTES),
    ),
    "policy with an OR": (
        f"CREATE POLICY slow ON {TABLE} TO {{g}} USING {OWN[:-1]} OR text = 'x')",
        ("policy_with_or", NOTES),
    ),
    "policy with another text": (
        f"CREATE POLICY other ON {TABLE} TO {{g}} USING (text <> '')",
        ("other_policy", NOTES),
    ),
    "no guard": (f"DROP TRIGGER tenlyr_guard ON {TABLE}", ("no_guard", NOTES)),
    "guard switched off": (
        f"ALTER TABLE {TABLE} DISABLE TRIGGER tenlyr_guard",
        ("no_guard", NOTES),
    ),
    "a table of somebody else's": (
        f"ALTER TABLE {TABLE} OWNER TO tenlyr_owner",
        ("foreign_owner", NOTES),
    ),
    "granted to everybody": (f"GRANT SELECT ON {TABLE} TO PUBLIC", ("granted_to_public", NOTES)),
    "granted to somebody else": (
        f"GRANT SELECT ON {TABLE} TO pg_monitor",
        ("granted_to_other", f"{NOTES} to pg_monitor"),
    ),
    "TRUNCATE": (f"GRANT TRUNCATE ON {TABLE} TO {{g}}", ("excessive_grant", NOTES)),
    "unique without tenant": (
        f"CREATE UNIQUE INDEX ON {TABLE} (id)",
        ("unique_without_tenant", NOTES),
    ),
    "view with its owner's rights": (
        f"CREATE VIEW {{s}}.v AS SELECT * FROM {TABLE};;ALTER VIEW {{s}}.v OWNER TO {{w}}",
        ("view_not_invoker", "S.v"),
    ),
    "tenants may create": ("GRANT CREATE ON SCHEMA {s} TO {g}", ("schema_create_grant", "S")),
    "who is who, for everybody": (
        f"GRANT SELECT ON {LOOKUP} TO PUBLIC",
        ("granted_to_public", LOOKUP),
    ),
    "who is who, for the app": (
        f"GRANT SELECT ON {LOOKUP} TO tenlyr_app",
        ("lookup_granted", f"{LOOKUP} to tenlyr_app"),
    ),
    "a role that owns the tables by membership": (
        "CREATE ROLE report;;GRANT {w} TO report",
        ("role_has_member", "W has report"),
    ),
    "the app owns the tables by membership": (
        "GRANT {w} TO tenlyr_app",
        ("role_is_member", "tenlyr_app of W"),
    ),
}


@pytest.fixture(scope="module")
def schema(_database: None) -> str:
    """An operator's schema with three tables."""
    from tests import cast
    from tests.dataplane import plane

    account = cast.workspace()
    plane.release(account)
    return f"op_{account.id.hex}"


def found_after(statements: str, schema: str) -> set[tuple[str, str]]:
    names = {"s": schema, "g": f"tenlyr_g_{schema[3:]}", "w": f"tenlyr_w_{schema[3:]}"}
    with probe.superuser() as cursor:
        for statement in filter(None, statements.split(";;")):
            cursor.execute(statement.format(**names))
        said = lint.read(cursor, probe.schemas())
        return {
            (one.defect, one.object.replace(schema, "S").replace(names["w"], "W")) for one in said
        }


def test_a_whole_operators_schema_has_no_defect(schema: str) -> None:
    assert found_after("", schema) == set()


@pytest.mark.parametrize(("statements", "finding"), OPERATORS.values(), ids=OPERATORS)
def test_a_defect_of_an_operators_table_is_found(
    schema: str, statements: str, finding: tuple[str, str]
) -> None:
    found = found_after(statements, schema)
    assert finding in found
    # What is granted to everybody is open to somebody, too.
    assert {defect for defect, _ in found} <= {finding[0], "lookup_granted"}
