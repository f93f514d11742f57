"""A tenant's schema in a database of its own, and the work in it: the same nets as everywhere."""

from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import DatabaseError, connections, transaction

from apps.isolation import applying, lint
from apps.isolation.databases import aliases, building
from apps.isolation.databases.errors import DatabaseFailed
from apps.isolation.models import Database, Location, Placement
from apps.isolation.placements import Location as Place
from apps.isolation.placements import location_of
from apps.isolation.public import NoScope, fleet, group, locations, scope
from apps.isolation.router import TenancyRouter
from tests.isolation.databases import second
from tests.isolation.databases.second import Second
from tests.isolation.probe import TABLE, Probe, fence
from tests.isolation.test_schemas import SIDES, described


@pytest.fixture
def tenant(own: Database) -> Placement:
    """A tenant that lives in a database of its own, with the probe's table there."""
    placement = second.settle(own)
    where = f'"{placement.location.schema_name}".{TABLE}'
    with connections[aliases.owner_alias(own.alias)].cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {where} (tenant_id uuid NOT NULL, id uuid NOT NULL, note text NOT NULL,"
            " PRIMARY KEY (tenant_id, id))"
        )
        cursor.execute(fence(where))
    aliases.let_go(aliases.owner_alias(own.alias))
    return placement


def notes(tenant_id: UUID) -> list[str]:
    with scope(tenant_id):
        return list(Probe.objects.values_list("note", flat=True))


class TestBuild:
    @pytest.mark.parametrize("side", sorted(SIDES))
    def test_it_is_the_shared_one_again(self, own: Database, other: Second, side: str) -> None:
        schema = building.build_location(own, f"t_{uuid4().hex}").schema_name
        with other.superuser(f"tenlyr_{own.alias}") as connection:
            connection.execute("SET search_path = ''")
            rows = connection.execute(SIDES[side], {"schema": schema}).fetchall()
        lines = (str(row).replace(schema, "SCHEMA") for row in rows)
        built = sorted(line for line in lines if "django_migrations" not in line)
        assert built == described(side, settings.SHARED_SCHEMA)

    def test_a_second_call_finds_it(self, own: Database) -> None:
        schema = f"t_{uuid4().hex}"
        first = building.build_location(own, schema)
        assert building.build_location(own, schema) == first
        assert first.state == Location.State.CLAIMED

    def test_half_built_it_is_finished(self, own: Database) -> None:
        schema = f"t_{uuid4().hex}"
        with connections[aliases.owner_alias(own.alias)].cursor() as cursor:
            cursor.execute(f'CREATE SCHEMA "{schema}"')
        building.build_location(own, schema)
        assert building.wanted_tables() <= building._tables(aliases.owner_alias(own.alias), schema)
        aliases.let_go(aliases.owner_alias(own.alias))

    def test_migrations_that_were_noted_and_made_nothing_are_found_out(self, own: Database) -> None:
        schema = f"t_{uuid4().hex}"
        building.build_location(own, schema)
        with connections[aliases.owner_alias(own.alias)].cursor() as cursor:
            for table in building.wanted_tables():
                cursor.execute(f'DROP TABLE "{schema}".{table}')
        with pytest.raises(DatabaseFailed, match=f"The schema in {own.alias} lacks usage_event"):
            building.build_location(own, schema)

    @pytest.mark.parametrize("name", ["public", "tenlyr_shared", "t_1", f"t_{'g' * 32}"])
    def test_only_a_tenant_schemas_name_is_taken(self, own: Database, name: str) -> None:
        with pytest.raises(ValueError, match="not a name of a tenant schema"):
            building.build_location(own, name)

    def test_a_database_that_is_away_is_one_sentence(self, own: Database, other: Second) -> None:
        other.postgres.stop()
        try:
            with pytest.raises(DatabaseFailed, match=f"in {own.alias} could not be built: .*refus"):
                building.build_location(own, f"t_{uuid4().hex}")
        finally:
            other.postgres.start()

    def test_nothing_of_the_control_plane_is_there(self, own: Database) -> None:
        owner = aliases.owner_alias(own.alias)
        router = TenancyRouter()
        assert router.allow_migrate("owner", "isolation")
        assert not router.allow_migrate(owner, "isolation")
        assert not router.allow_migrate(owner, applying.tenant_labels()[0])  # in `public`
        assert not router.allow_migrate(own.alias, "isolation")
        aliases.let_go(owner)


class TestScope:
    def test_it_reads_and_writes_there(self, tenant: Placement) -> None:
        with scope(tenant.tenant_id) as here:
            assert here.alias == tenant.location.alias
            Probe.objects.create(tenant_id=tenant.tenant_id, note="mine")
        assert notes(tenant.tenant_id) == ["mine"]
        assert tenant.location.alias not in set(connections)

    def test_a_failure_leaves_nothing(self, tenant: Placement) -> None:
        with pytest.raises(ZeroDivisionError), scope(tenant.tenant_id):
            _write_and_fail(tenant.tenant_id)
        assert notes(tenant.tenant_id) == []

    def test_another_tenants_row_is_refused_and_not_seen(self, tenant: Placement) -> None:
        with fleet(_place(tenant), read_only=False):
            Probe.objects.create(tenant_id=uuid4(), note="a stranger's")
        assert notes(tenant.tenant_id) == []
        with pytest.raises(DatabaseError, match="row-level security"), scope(tenant.tenant_id):
            Probe.objects.create(tenant_id=uuid4(), note="a stranger's")

    def test_the_fleet_sees_all_there(self, tenant: Placement) -> None:
        with fleet(_place(tenant), read_only=False) as here:
            assert here.alias == aliases.fleet_alias(tenant.location.alias)
            Probe.objects.create(tenant_id=uuid4(), note="of one")
            Probe.objects.create(tenant_id=tenant.tenant_id, note="of another")
            assert Probe.objects.count() == 2

    def test_no_scope_no_row(self, tenant: Placement) -> None:
        with pytest.raises(NoScope):
            Probe.objects.count()
        with connections[tenant.location.alias].cursor() as cursor:
            cursor.execute(f'SELECT count(*) FROM "{tenant.location.schema_name}".{TABLE}')
            assert cursor.fetchone() == (0,)
        aliases.let_go(tenant.location.alias)

    def test_inside_a_transaction_of_the_control_plane(self, tenant: Placement) -> None:
        with transaction.atomic(), scope(tenant.tenant_id):
            Probe.objects.create(tenant_id=tenant.tenant_id, note="both")
        assert notes(tenant.tenant_id) == ["both"]

    def test_many_scopes_use_one_connection(self, tenant: Placement) -> None:
        seen = set()
        for _ in range(5):
            with scope(tenant.tenant_id) as here, here.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                seen.add(cursor.fetchone())
        assert len(seen) == 1

    def test_everybody_who_walks_over_the_fleet_meets_it(self, tenant: Placement) -> None:
        place = _place(tenant)
        assert place in locations()
        assert group([tenant.tenant_id]) == {place: [tenant.tenant_id]}
        assert place.owner_alias == f"{place.alias}_owner"


class TestLint:
    def test_it_looks_there_too(self, tenant: Placement) -> None:
        before = lint.findings()
        assert not [one for one in before if tenant.location.alias in one.object]
        owner = aliases.owner_alias(tenant.location.alias)
        where = f"{tenant.location.schema_name}.{TABLE}"
        with connections[owner].cursor() as cursor:
            cursor.execute(f"ALTER TABLE {where} NO FORCE ROW LEVEL SECURITY")
        aliases.let_go(owner)
        found = set(lint.findings()) - set(before)
        assert found == {lint.Finding("no_force", f"{tenant.location.alias}: {where}")}

    def test_one_that_is_away_is_a_finding(self, own: Database, other: Second) -> None:
        other.postgres.stop()
        try:
            assert lint.Finding("unreachable", own.alias) in lint.findings()
        finally:
            other.postgres.start()


def _place(tenant: Placement) -> Place:
    return location_of(tenant.location)


def _write_and_fail(tenant_id: UUID) -> None:
    Probe.objects.create(tenant_id=tenant_id, note="undone")
    raise ZeroDivisionError
