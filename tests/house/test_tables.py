"""No table escapes: each that names a tenant is purged and fenced, or says why not (R17)."""

from django.conf import settings
from django.db import connections

from apps.isolation import lint
from apps.isolation.public import Location, locations
from tenlyr.core import registry

# Tables of the control plane that name a tenant and are in no holding, each with its reason.
NOT_HELD = {
    "isolation_placement": "removed by isolation.release(), the last step of the purge",
    "metering_staging": "emptied in the transaction that fills it",
}


# Schemas with books of ours that name a tenant, each with the reason why no Location holds them.
BOOKS = {
    "tenlyr_moves": "what a move needs while it runs; removed at its end",
    "tenlyr_dataplane": "logins and places of operators' rows; removed by the data plane's holding",
}
# An operator's own tables, which the data plane fences and purges.
OPERATORS = ("op_", "d_")


def here() -> list[Location]:
    """The Locations in this database: those elsewhere are made by the same functions."""
    return [location for location in locations() if location.alias == "default"]


def tables_naming_a_tenant() -> dict[str, set[str]]:
    """schema -> tables with a column `tenant_id`, partitions apart."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE a.attname = 'tenant_id' AND NOT a.attisdropped AND c.relkind IN ('r', 'p')"
            " AND NOT c.relispartition AND n.nspname NOT LIKE 'pg\\_%'"
            # An operator's own tables, and who may see them: tests/dataplane looks at those.
            " AND n.nspname !~ '^(op|d)_[0-9a-f]{32}$' AND n.nspname <> 'tenlyr_dataplane'"
        )
        found: dict[str, set[str]] = {}
        for schema, table in cursor.fetchall():
            found.setdefault(schema, set()).add(table)
    return found


def held() -> set[str]:
    """The tables that some holding speaks for."""
    return {table for holding in registry.holdings() for table in holding.tables}


def test_every_table_of_tenants_rows_is_held() -> None:
    for location in here():
        owned = tables_naming_a_tenant().get(location.schema, set())
        assert owned, location
        assert owned - held() == set()


def test_every_control_table_that_names_a_tenant_is_held_or_excused() -> None:
    named = tables_naming_a_tenant()["public"]
    assert named - held() - set(NOT_HELD) == set()


def test_no_excuse_is_left_over() -> None:
    named = tables_naming_a_tenant()["public"]
    assert set(NOT_HELD) <= named
    assert not set(NOT_HELD) & held()


def test_what_is_held_exists() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')")
        there = {name for (name,) in cursor.fetchall()}
    assert held() <= there


def test_tenants_rows_lie_in_locations_only() -> None:
    found = {name for name in tables_naming_a_tenant() if not name.startswith(OPERATORS)}
    assert found - set(BOOKS) == {"public", *(location.schema for location in here())}


def test_every_table_of_tenants_rows_is_fenced_in_every_location() -> None:
    expected = {("tenant_fence", False), ("tenant_rw", True), ("fleet_rw", True)}
    with connections["owner"].cursor() as cursor:
        for location in here():
            for table in tables_naming_a_tenant()[location.schema]:
                cursor.execute(
                    "SELECT polname, polpermissive FROM pg_policy WHERE polrelid = %s::regclass",
                    [f'"{location.schema}".{table}'],
                )
                assert set(cursor.fetchall()) == expected, (location, table)
    assert lint.findings() == []


def test_no_table_of_the_control_plane_is_open_to_the_fleet_by_accident() -> None:
    """What the fleet role may touch in `public`, each with its reason."""
    reasons = {
        "isolation_location": "to find the Locations of tenants",
        "isolation_placement": "to find the Locations of tenants",
        "metering_shard": "the consumer locks its shards and keeps its position",
        "metering_staging": "the consumer copies into it",
        "metering_dead_letter": "the consumer puts poison there",
    }
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.relname FROM pg_class c, aclexplode(c.relacl) a"
            " WHERE c.relnamespace = 'public'::regnamespace AND a.grantee = %s::regrole"
            " AND c.relkind IN ('r', 'p')",
            [settings.ROLE_FLEET],
        )
        assert {name for (name,) in cursor.fetchall()} == set(reasons)
