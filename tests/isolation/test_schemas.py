"""A schema that was built is the shared one again: tables, indexes, policies, grants, owners.

Partitions are left out, whoever has a row for one makes it; Django's list is a leaner one.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder

from tests.isolation import probe

# Each query describes one side of a schema, with the schema's own name taken out.
SIDES = {
    "relations": """
        SELECT c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
               c.reloptions, pg_get_userbyid(c.relowner), pg_get_partkeydef(c.oid),
               pg_get_expr(c.relpartbound, c.oid)
        FROM pg_class c
        WHERE c.relnamespace = %(schema)s::regnamespace AND NOT c.relispartition
          AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    """,
    "columns": """
        SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated, a.attstorage,
               l.collname
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        LEFT JOIN pg_collation l ON l.oid = a.attcollation
        WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p')
          AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
    """,
    "indexes": """
        SELECT t.relname, x.indisunique, x.indisprimary, x.indisvalid,
               regexp_replace(pg_get_indexdef(x.indexrelid), 'INDEX \\S+ ON', 'INDEX ON')
        FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid
        WHERE t.relnamespace = %(schema)s::regnamespace AND NOT t.relispartition
    """,
    "constraints": """
        SELECT t.relname, k.contype, pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
        WHERE t.relnamespace = %(schema)s::regnamespace AND NOT t.relispartition
    """,
    "policies": """
        SELECT t.relname, p.polname, p.polcmd, p.polpermissive,
               (SELECT array_agg(r.rolname ORDER BY 1) FROM pg_roles r
                WHERE r.oid = ANY (p.polroles)),
               pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
        FROM pg_policy p JOIN pg_class t ON t.oid = p.polrelid
        WHERE t.relnamespace = %(schema)s::regnamespace
    """,
    "grants on tables": """
        SELECT c.relname, a.grantee::regrole::text, a.privilege_type, a.is_grantable
        FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind IN ('r', 'p')
          AND a.grantee <> c.relowner
    """,
    "grants on the schema": """
        SELECT pg_get_userbyid(n.nspowner), a.grantee::regrole::text, a.privilege_type
        FROM pg_namespace n, aclexplode(n.nspacl) a
        WHERE n.oid = %(schema)s::regnamespace AND a.grantee <> n.nspowner
    """,
    "functions and triggers": """
        SELECT p.proname FROM pg_proc p WHERE p.pronamespace = %(schema)s::regnamespace
        UNION ALL
        SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = %(schema)s::regnamespace AND NOT t.tgisinternal
    """,
}


def described(side: str, schema: str) -> list[str]:
    """One side of a schema, as lines that two schemas can be compared by."""
    with probe.superuser() as cursor:
        cursor.execute("SET LOCAL search_path = ''")
        cursor.execute(SIDES[side], {"schema": schema})
        rows = [str(row).replace(schema, "SCHEMA") for row in cursor.fetchall()]
        return sorted(row for row in rows if "django_migrations" not in row)


@pytest.fixture(scope="module")
def built(_database: None) -> Iterator[str]:
    """A schema built a moment ago; in the shared one stands a probe beside the product's."""
    schema = f"t_{uuid4().hex}"
    with probe.planted(), probe.superuser() as direct:
        partition = f"{settings.SHARED_SCHEMA}.usage_event_1999"
        direct.execute("SET ROLE tenlyr_owner")
        direct.execute(
            f"CREATE TABLE {partition} PARTITION OF {settings.SHARED_SCHEMA}.usage_event"
            " FOR VALUES FROM ('1999-01-01') TO ('1999-02-01') WITH (fillfactor=80)"
        )
        fence = "ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
        direct.execute(f"ALTER TABLE {partition} {fence}")
        direct.connection.commit()
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT isolation_build_schema(%s)", [schema])
        yield schema
        direct.execute(f"DROP TABLE {partition}")
        direct.execute(f"DROP SCHEMA {schema} CASCADE")
        direct.connection.commit()


@pytest.mark.parametrize("side", SIDES)
def test_it_is_the_shared_one_again(built: str, side: str) -> None:
    original = described(side, settings.SHARED_SCHEMA)
    assert described(side, built) == original
    if side != "functions and triggers":
        assert any(probe.TABLE in line for line in original) or side == "grants on the schema"


def test_it_has_no_partition(built: str) -> None:
    with probe.superuser() as cursor:
        cursor.execute(
            "SELECT relnamespace::regnamespace::text, count(*) FROM pg_class WHERE relispartition"
            " AND relnamespace IN (%s::regnamespace, %s::regnamespace) GROUP BY 1",
            [built, settings.SHARED_SCHEMA],
        )
        found = dict(cursor.fetchall())
    assert found[settings.SHARED_SCHEMA] > 0
    assert built not in found


def test_there_is_something_to_compare() -> None:
    assert any("'p'" in line for line in described("relations", settings.SHARED_SCHEMA))
    assert described("functions and triggers", settings.SHARED_SCHEMA) == []


def test_every_migration_counts_as_applied(built: str) -> None:
    with probe.superuser() as cursor:
        cursor.execute(
            f"SELECT array_agg((app, name)::text ORDER BY id) = (SELECT array_agg((app, name)::text"
            f" ORDER BY id) FROM {settings.SHARED_SCHEMA}.django_migrations)"
            f' FROM "{built}".django_migrations'
        )
        assert cursor.fetchone() == (True,)


def test_a_migration_can_be_recorded_in_it(built: str) -> None:
    connection: Any = connections["owner"]
    connection.set_schema(built, include_public=False)
    recorder = MigrationRecorder(connection)
    try:
        before = set(recorder.applied_migrations())
        recorder.record_applied("metering_store", "9998_later")
        recorder.record_applied("metering_store", "9999_latest")
        recorder.record_unapplied("metering_store", "9998_later")
        later = set(recorder.applied_migrations()) - before
    finally:
        connection.set_schema_to_public()
    assert before
    assert later == {("metering_store", "9999_latest")}


def test_its_tables_are_empty(built: str) -> None:
    with probe.superuser() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace"
            " AND relkind IN ('r', 'p') AND relname <> 'django_migrations'",
            [built],
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT count(*) FROM "{built}".{table}')
            assert cursor.fetchone() == (0,)
