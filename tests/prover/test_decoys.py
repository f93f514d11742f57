"""Decoys are there for as long as they are needed, and gone whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError

from apps.isolation.public import Location, UnknownTenant, fleet, locations, release, scope
from apps.prover import decoys, targets
from apps.prover.models import Decoy
from apps.prover.targets import WayIn
from tenlyr.core import clock, ids
from tests import servers
from tests.isolation.probe import TABLE, rows_of
from tests.prover.support import SHARED, nothing_left, rows_without_tenant


def shared() -> Location:
    return next(one for one in locations() if one.schema == SHARED)


def test_both_have_a_row_in_every_table_that_others_see(writable: str) -> None:
    with decoys.planted(shared(), ids.uuid7()) as scene:
        assert {one.table.name for one in scene.planted} >= {TABLE, "usage_event", "usage_rollup"}
        assert not any(one.refused for one in scene.planted)
        assert set(rows_of(SHARED)) == {scene.me, scene.other}
        [note] = Decoy.objects.all()
        assert (note.schemas, set(note.tenants)) == ([SHARED], {scene.me, scene.other})
    assert nothing_left()


def test_a_scope_opens_for_them_only_as_long(writable: str) -> None:
    with (
        decoys.planted(shared(), ids.uuid7()) as scene,
        scope(scene.me) as here,
        here.cursor() as cursor,
    ):
        cursor.execute(f"SELECT tenant_id FROM {TABLE}")
        assert cursor.fetchall() == [(scene.me,)]
    with pytest.raises(UnknownTenant), scope(scene.me):
        pass


def test_a_failure_leaves_nothing(writable: str) -> None:
    with pytest.raises(ZeroDivisionError), decoys.planted(shared(), ids.uuid7()):
        raise ZeroDivisionError
    assert nothing_left()


@contextmanager
def crashed(scene: decoys.Scene) -> Iterator[None]:
    """As after a power cut: the rows and the note are there, and nobody removes them."""
    note = decoys._write_down(scene, ids.uuid7())
    decoys._plant(scene.location, note.schemas, (scene.me, scene.other))
    assert rows_without_tenant() > 0
    yield


def test_what_a_crash_left_is_swept(writable: str) -> None:
    scene = decoys.Scene(shared(), ids.uuid7(), ids.uuid7())
    with crashed(scene):
        assert decoys.sweep() == 1
        assert nothing_left()
        assert decoys.sweep() == 0


def test_the_sweep_touches_nobody_else(writable: str, acme: Any) -> None:
    with fleet(shared(), read_only=False) as here, here.cursor() as cursor:
        cursor.execute(f"INSERT INTO {TABLE} VALUES (%s, gen_random_uuid(), 'real')", [acme.id])
    with crashed(decoys.Scene(shared(), ids.uuid7(), ids.uuid7())):
        decoys.sweep()
    assert rows_of(SHARED) == {acme.id: {"real"}}
    with fleet(shared(), read_only=False) as here, here.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE tenant_id = %s", [acme.id])


def test_a_location_that_is_gone_has_left_nothing(own_schema: str, globex: Any) -> None:
    location = next(one for one in locations() if one.schema == own_schema)
    with decoys.planted(location, ids.uuid7()) as scene:
        # No placement holds the Location: its tenant can be purged in the midst of a proof.
        release(globex.id)
        assert scene.planted
    assert not Decoy.objects.exists()


def test_a_sweep_that_cannot_reach_a_place_keeps_the_note(
    writable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = decoys.Scene(shared(), ids.uuid7(), ids.uuid7())

    def away(*_args: Any, **_more: Any) -> Any:
        raise DatabaseError("away")

    with crashed(scene):
        with monkeypatch.context() as patch:
            patch.setattr("apps.prover.decoys.isolation.fleet", away)
            assert decoys.sweep() == 1
        assert Decoy.objects.count() == 1
        decoys.sweep()
    assert nothing_left()


def test_a_note_of_a_place_that_is_gone_for_good_is_dropped_after_a_day() -> None:
    nobody = [ids.uuid7(), ids.uuid7()]
    gone = {"alias": "db_000000000000", "location_id": 0, "schemas": ["t_gone"], "tenants": nobody}
    note = Decoy.objects.create(**gone)
    decoys.sweep()
    assert Decoy.objects.filter(pk=note.pk).exists()
    Decoy.objects.filter(pk=note.pk).update(created_at=clock.now() - timedelta(days=2))
    decoys.sweep()
    assert not Decoy.objects.exists()


class Logins:
    """A target whose tenants have logins of their own: plain roles, which may do nothing."""

    name = "logins"

    def schemas(self, location: Location, workspace_id: UUID) -> list[str]:
        return []

    def roles(self, tenants: Any) -> list[str]:
        return [f"decoy_{tenant.hex[-12:]}" for tenant in tenants]

    def prepare(self, location: Location, workspace_id: UUID, tenants: Any) -> list[WayIn]:
        with direct() as cursor:
            for role in self.roles(tenants):
                cursor.execute(f"CREATE ROLE {role}")
        raise DatabaseError("half-way")

    def clear(self, alias: str, tenants: Any) -> None:
        with direct() as cursor:
            for role in self.roles(tenants):
                cursor.execute(f"DROP ROLE IF EXISTS {role}")


@contextmanager
def direct() -> Iterator[Any]:
    with psycopg.connect(servers.current().postgres.superuser_url, autocommit=True) as line:
        yield line.cursor()


def test_a_targets_half_made_logins_are_cleared() -> None:
    targets.register(Logins())
    try:
        with (
            pytest.raises(DatabaseError, match="half-way"),
            decoys.planted(shared(), ids.uuid7()),
        ):
            pass
    finally:
        targets.unregister("logins")
    with direct() as cursor:
        cursor.execute("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'decoy\\_%'")
        assert cursor.fetchone() == (0,)
    assert nothing_left()
