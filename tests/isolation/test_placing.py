"""Giving a tenant a place and taking it back; the pool of warm schemas (F1, F2, X9)."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connections, transaction

from apps.isolation import models, placements, placing, tasks
from apps.isolation.models import Location
from apps.isolation.public import Level, UnknownTenant, place, release
from tenlyr.core import errors, ids
from tenlyr.core import tasks as core_tasks
from tests.core.threads import closing, together, until
from tests.core.transactions import undone
from tests.isolation import probe


def warm_schemas() -> set[str]:
    """The names of the schemas that wait for a tenant."""
    rows = Location.objects.filter(state=Location.State.WARM)
    return set(rows.values_list("schema_name", flat=True))


def exists(schema: str) -> bool:
    """Whether the schema is in the database."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [f'"{schema}"'])
        return bool(cursor.fetchone()[0])


@pytest.fixture
def empty_pool() -> Iterator[None]:
    """No warm schema before the test, and none of its own afterwards."""
    drain()
    yield
    drain()


def drain() -> None:
    """Drop every warm schema, the way a retired one is dropped."""
    for location in Location.objects.filter(state=Location.State.WARM):
        tenant_id = ids.uuid7()
        models.Placement.objects.create(
            tenant_id=tenant_id, location=location, level=Level.DEDICATED_SCHEMA
        )
        Location.objects.filter(pk=location.pk).update(state=Location.State.CLAIMED)
        release(tenant_id)


def fill(count: int, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Warm schemas, so many; their names."""
    monkeypatch.setattr(settings, "WARM_SCHEMAS", count)
    assert placing.refill() == count
    return warm_schemas()


def placed_at(level: Level) -> placements.Placement:
    """A new tenant with its place, committed."""
    return probe.settle(level)


class TestPlace:
    def test_many_share_one_schema(self) -> None:
        first, second = (placed_at(Level.SHARED_SCHEMA) for _ in range(2))
        assert first.location == second.location
        assert first.location.schema == settings.SHARED_SCHEMA

    def test_without_a_warm_one_a_schema_is_built(self, empty_pool: None) -> None:
        made = placed_at(Level.DEDICATED_SCHEMA)
        assert exists(made.location.schema)
        assert Location.objects.get(pk=made.location.id).state == "claimed"
        release(made.tenant_id)

    def test_a_warm_one_is_claimed(self, empty_pool: None, monkeypatch: pytest.MonkeyPatch) -> None:
        warm = fill(2, monkeypatch)
        made = placed_at(Level.DEDICATED_SCHEMA)
        assert made.location.schema in warm
        assert len(warm_schemas()) == 1
        release(made.tenant_id)

    def test_a_name_is_random_and_comes_from_nobody(self, empty_pool: None) -> None:
        made = placed_at(Level.DEDICATED_SCHEMA)
        assert len(made.location.schema) == 34
        assert made.tenant_id.hex not in made.location.schema
        release(made.tenant_id)

    def test_it_is_part_of_the_callers_transaction(self, empty_pool: None) -> None:
        tenant_id = ids.uuid7()
        with undone():
            made = place(tenant_id, Level.DEDICATED_SCHEMA)
            assert exists(made.location.schema)
        assert not exists(made.location.schema)
        with pytest.raises(UnknownTenant):
            placements.of(tenant_id)

    def test_a_claim_that_is_undone_leaves_the_schema_warm(
        self, empty_pool: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        warm = fill(1, monkeypatch)
        with undone():
            assert place(ids.uuid7(), Level.DEDICATED_SCHEMA).location.schema in warm
        assert warm_schemas() == warm

    def test_a_database_of_ones_own_is_had_by_a_move_only(self) -> None:
        with pytest.raises(errors.NotImplementedYet, match="moves to"), transaction.atomic():
            place(ids.uuid7(), Level.DEDICATED_DATABASE)

    def test_a_tenant_has_one_place(self) -> None:
        made = placed_at(Level.SHARED_SCHEMA)
        with pytest.raises(Exception, match="duplicate key"), transaction.atomic():
            place(made.tenant_id, Level.SHARED_SCHEMA)


class TestAtTheSameTime:
    def test_twenty_claims_never_share_a_schema_and_never_wait(
        self, empty_pool: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Twelve are warm; twenty ask at once while one claim stays open."""
        warm = fill(12, monkeypatch)
        with transaction.atomic():
            held = placing._claim_warm()
            made = together([lambda: placed_at(Level.DEDICATED_SCHEMA)] * 20)
        names = [one.location.schema for one in made]
        assert len(set(names)) == 20
        assert held is not None
        assert held.schema_name not in names
        assert len(warm & set(names)) == 11
        for one in made:
            release(one.tenant_id)

    def test_who_waited_for_a_builder_takes_what_was_built_meanwhile(
        self, empty_pool: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from concurrent.futures import ThreadPoolExecutor

        for _ in range(placing.BUILDERS._initial_value):  # type: ignore[attr-defined]
            placing.BUILDERS.acquire()
        with ThreadPoolExecutor(1) as pool:
            waits = pool.submit(closing(placed_at), Level.DEDICATED_SCHEMA)
            until(lambda: waiting_for_a_turn() == 1)
            warm = placing._build(Location.State.WARM)
            for _ in range(placing.BUILDERS._initial_value):  # type: ignore[attr-defined]
                placing.BUILDERS.release()
            made = waits.result(60)
        assert made.location.schema == warm.schema_name
        release(made.tenant_id)

    def test_no_more_schemas_are_built_at_once_than_may_be(self, empty_pool: None) -> None:
        """A lock on a table that building reads holds the builders where they can be counted."""
        from concurrent.futures import ThreadPoolExecutor

        bound = placing.BUILDERS._initial_value  # type: ignore[attr-defined]
        callers = bound + 6
        with ThreadPoolExecutor(callers) as pool, probe.superuser() as cursor:
            cursor.execute(f"LOCK TABLE {settings.SHARED_SCHEMA}.django_migrations")
            makes = [
                pool.submit(closing(placed_at), Level.DEDICATED_SCHEMA) for _ in range(callers)
            ]
            until(lambda: waiting_builders() + waiting_for_a_turn() == callers)
            assert waiting_builders() == bound
            cursor.connection.rollback()
            made = [one.result(60) for one in makes]
        assert len({one.location.schema for one in made}) == callers
        for one in made:
            release(one.tenant_id)


def waiting_for_a_turn() -> int:
    """How many threads wait until a builder is free."""
    return len(placing.BUILDERS._cond._waiters)  # type: ignore[attr-defined]


def waiting_builders() -> int:
    """How many backends wait inside the building of a schema."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT count(DISTINCT pid) FROM pg_locks"
            " WHERE NOT granted AND relation = to_regclass(%s)",
            [f"{settings.SHARED_SCHEMA}.django_migrations"],
        )
        return int(cursor.fetchone()[0])


class TestRelease:
    def test_a_shared_place_leaves_the_schema_alone(self) -> None:
        made = placed_at(Level.SHARED_SCHEMA)
        release(made.tenant_id)
        with pytest.raises(UnknownTenant):
            placements.of(made.tenant_id)
        assert exists(settings.SHARED_SCHEMA)
        assert Location.objects.get(state="shared").schema_name == settings.SHARED_SCHEMA

    def test_a_schema_of_ones_own_goes_with_its_tenant(self) -> None:
        made = placed_at(Level.DEDICATED_SCHEMA)
        release(made.tenant_id)
        assert not exists(made.location.schema)
        assert not Location.objects.filter(pk=made.location.id).exists()

    def test_twice_is_once(self) -> None:
        made = placed_at(Level.DEDICATED_SCHEMA)
        release(made.tenant_id)
        release(made.tenant_id)
        release(ids.uuid7())
        assert not exists(made.location.schema)

    def test_undone_it_is_all_there(self) -> None:
        made = placed_at(Level.DEDICATED_SCHEMA)
        with undone():
            release(made.tenant_id)
        assert exists(made.location.schema)
        assert placements.of(made.tenant_id) == made
        release(made.tenant_id)


class TestRefill:
    def test_it_fills_up_and_then_does_nothing(
        self, empty_pool: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        warm = fill(3, monkeypatch)
        assert len(warm) == 3
        assert all(exists(schema) for schema in warm)
        assert tasks.refill() == 0

    def test_refillers_at_the_same_time_do_not_overfill(
        self, empty_pool: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settings, "WARM_SCHEMAS", 4)
        assert sum(together([placing.refill] * 6)) <= 4
        placing.refill()
        assert len(warm_schemas()) == 4

    def test_a_claim_asks_for_a_refill_after_its_commit(
        self, empty_pool: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sent: list[tuple[str, float]] = []

        def noted(task: str, *, delay_s: float) -> None:
            sent.append((task, delay_s))

        monkeypatch.setattr(core_tasks, "after_commit", noted)
        made: list[UUID] = [placed_at(Level.DEDICATED_SCHEMA).tenant_id]
        placed_at(Level.SHARED_SCHEMA)
        assert sent == [("isolation.refill", placing.REFILL_DELAY_S)]
        release(made[0])
