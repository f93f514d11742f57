"""Which Location a tenant's rows are in: the reads."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from apps.isolation import models, placements
from apps.isolation.public import Level, UnknownTenant, group, level_of, locations, scope
from tests.isolation.conftest import Cast


def test_each_is_where_it_was_placed(placed: Cast) -> None:
    acme, globex = placements.of(placed.acme), placements.of(placed.globex)
    assert (acme.level, acme.location.schema) == (Level.SHARED_SCHEMA, settings.SHARED_SCHEMA)
    assert (globex.level, globex.location.schema) == (
        Level.DEDICATED_SCHEMA,
        placed.globex_schema,
    )
    assert (globex.location.alias, globex.location.fleet_alias) == ("default", "fleet")
    assert acme.epoch == globex.epoch == 1


def test_a_database_of_its_own_will_have_its_own_fleet() -> None:
    assert placements.Location(1, "initech", "t_x").fleet_alias == "initech_fleet"


def test_nobody_is_nowhere() -> None:
    with pytest.raises(UnknownTenant):
        placements.of(uuid4())


def test_tenants_by_location_in_one_query(placed: Cast) -> None:
    asked = [placed.acme, placed.globex, placed.initech, uuid4()]
    with CaptureQueriesContext(connection) as queries:
        found = group(asked)
    assert len(queries) == 1
    assert {one.schema: set(ids) for one, ids in found.items()} == {
        settings.SHARED_SCHEMA: {placed.acme, placed.initech},
        placed.globex_schema: {placed.globex},
    }
    assert group([]) == {}


@pytest.fixture(params=[None, b"sealed by nobody"], ids=["no address", "cannot be unsealed"])
def lost(request: pytest.FixtureRequest) -> Iterator[models.Placement]:
    """A tenant in a database that cannot be reached, for nobody knows where it is."""
    alias = f"db_{uuid4().hex[:12]}"
    row = models.Database.objects.create(alias=alias, driver="hook", dsn=request.param)
    (place,) = models.Location.objects.bulk_create(
        [models.Location(schema_name=f"t_{uuid4().hex}", alias=alias, state="claimed")]
    )
    level = Level.DEDICATED_DATABASE
    yield models.Placement.objects.create(tenant_id=uuid4(), location=place, level=level)
    models.Placement.objects.filter(location=place).delete()
    place.delete(force_drop=False)
    row.delete()


def test_a_database_without_an_address_hides_no_others(
    placed: Cast, lost: models.Placement
) -> None:
    found = group([placed.acme, lost.tenant_id, placed.globex])
    assert {one.schema: ids for one, ids in found.items()} == {
        settings.SHARED_SCHEMA: [placed.acme],
        lost.location.schema_name: [lost.tenant_id],
        placed.globex_schema: [placed.globex],
    }
    schemas = {one.schema for one in locations()}
    assert {lost.location.schema_name, settings.SHARED_SCHEMA, placed.globex_schema} <= schemas
    assert placements.of(lost.tenant_id).location.alias == lost.location.alias


def test_its_own_rows_cannot_be_reached(placed: Cast, lost: models.Placement) -> None:
    for _ in range(2):
        with pytest.raises(OperationalError), scope(lost.tenant_id):
            pytest.fail("there is no such place")
    with scope(placed.acme) as here:
        assert here.schema == settings.SHARED_SCHEMA


def test_grouping_makes_one_object_per_place(placed: Cast) -> None:
    (found,) = group([placed.acme, placed.initech])
    assert found == placements.of(placed.acme).location


def test_levels_in_one_query(placed: Cast) -> None:
    with CaptureQueriesContext(connection) as queries:
        found = level_of([placed.acme, placed.globex, uuid4()])
    assert len(queries) == 1
    assert found == {placed.acme: Level.SHARED_SCHEMA, placed.globex: Level.DEDICATED_SCHEMA}


def test_a_place_is_remembered_for_a_few_seconds(
    placed: Cast, later: Callable[[float], None]
) -> None:
    placements.forget(placed.acme)
    with CaptureQueriesContext(connection) as queries:
        assert placements.of(placed.acme) is placements.of(placed.acme)
        assert len(queries) == 1
        later(placements.REMEMBERED_S + 1)
        placements.of(placed.acme)
        assert len(queries) == 2
        placements.forget(placed.acme)
        placements.of(placed.acme)
        assert len(queries) == 3


def test_no_more_is_remembered_than_may_be(placed: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placements, "MOST_REMEMBERED", 1)
    monkeypatch.setattr(placements, "_remembered", {})
    for tenant_id in (placed.acme, placed.initech, placed.globex):
        placements.of(tenant_id)
    assert len(placements._remembered) == 1


def test_every_location_with_tables_is_listed(placed: Cast) -> None:
    schemas = [one.schema for one in locations()]
    assert settings.SHARED_SCHEMA in schemas
    assert placed.globex_schema in schemas
    retired = models.Location.objects.bulk_create(
        [models.Location(schema_name=f"t_{uuid4().hex}", state="retired")]
    )[0]
    assert retired.schema_name not in [one.schema for one in locations()]
    assert str(retired) == f"default/{retired.schema_name}"
    retired.delete(force_drop=False)


def test_rows_say_what_they_are(placed: Cast) -> None:
    row = models.Placement.objects.get(pk=placed.acme)
    assert str(row) == f"{placed.acme} at {row.location_id}"
