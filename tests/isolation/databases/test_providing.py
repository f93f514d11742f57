"""Giving a database of a tenant's own, and taking it back: every step may be repeated."""

from typing import Any

import psycopg
import pytest
from django.db import connections

from apps.isolation.databases import aliases, drivers, providing, servers, setting_up
from apps.isolation.databases.errors import DatabaseFailed, DatabaseInUse
from apps.isolation.models import Database, Location, Placement, Server
from apps.isolation.public import release
from apps.isolation.tasks import retire_databases
from tests.isolation.databases import second
from tests.isolation.databases.second import Second


def test_what_was_given_is_said(own: Database, other: Second) -> None:
    own.refresh_from_db()
    assert own.state == Database.State.READY
    assert own.provided == f"a database of its own on the server {own.server}"
    assert f"tenlyr_{own.alias}" in other.databases()
    assert own.detail["release"] == setting_up.current_release()


def test_its_address_is_kept_sealed(own: Database, other: Second) -> None:
    assert b"postgresql" not in bytes(own.dsn)
    assert aliases.address_of(own).dsn.startswith("postgresql://tenlyr_deploy:")


def test_nobody_else_may_come_in(own: Database, other: Second) -> None:
    stranger = aliases.address_of(own).dsn.replace("tenlyr_deploy:", "passer_by:")
    with other.superuser() as connection:
        connection.execute("CREATE ROLE passer_by LOGIN PASSWORD 'x'")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(stranger)
    with psycopg.connect(other.url(f"tenlyr_{own.alias}")) as connection:
        row = connection.execute(
            "SELECT has_database_privilege('passer_by', current_database(), 'CONNECT'),"
            " has_schema_privilege('passer_by', 'public', 'CREATE'),"
            " has_schema_privilege('tenlyr_app', 'public', 'CREATE')"
        ).fetchone()
    with other.superuser() as connection:
        connection.execute("DROP ROLE passer_by")
    assert row == (False, False, False)


def test_a_second_call_does_nothing(own: Database) -> None:
    assert providing.provide(own.alias) == own


def test_what_broke_off_is_finished_by_the_next_try(
    server: Server, other: Second, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> None:
        raise DatabaseFailed("The line was cut.")

    alias = providing.new_alias()
    with monkeypatch.context() as patched:
        patched.setattr(setting_up, "_run_parts", breaks)
        with pytest.raises(DatabaseFailed, match="line was cut"):
            providing.provide(alias, "database")
    row = Database.objects.get(pk=alias)
    assert (row.state, row.error) == (Database.State.FAILED, "The line was cut.")
    assert f"tenlyr_{alias}" in other.databases()
    row = providing.provide(alias)
    assert (row.state, row.error) == (Database.State.READY, "")
    assert second.settle(row).location.alias == alias


def test_a_failed_one_can_be_taken_back(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    alias = providing.new_alias()
    with monkeypatch.context() as patched:
        patched.setattr(servers, "make_database", _fails)
        with pytest.raises(DatabaseFailed, match="Not today"):
            providing.provide(alias, "database")
    providing.retire(alias)
    row = Database.objects.get(pk=alias)
    assert (row.state, row.error, row.dsn) == (Database.State.RETIRED, "", None)


def test_an_unknown_driver_leaves_no_row() -> None:
    alias = providing.new_alias()
    with pytest.raises(DatabaseFailed, match="There is no driver 'magic' for databases"):
        providing.provide(alias, "magic")
    assert not Database.objects.filter(pk=alias).exists()


def test_a_server_that_went_away_is_one_sentence(other: Second) -> None:
    away = Second()
    with away:
        row = servers.register(second.slug(), away.deploy_url)
    alias = providing.new_alias()
    said = rf"^The server {row.name} cannot be reached: Connection refused\.$"
    with pytest.raises(DatabaseFailed, match=said):
        providing.provide(alias, "database")
    with pytest.raises(DatabaseFailed, match="cannot be reached"):
        providing.retire(alias)
    kept = Database.objects.get(pk=alias)
    assert (kept.state, kept.error) == (
        Database.State.RETIRED,
        f"The server of {alias} cannot be reached: Connection refused.",
    )
    kept.delete()
    row.delete()


class TestRetire:
    def test_with_all_that_is_in_it_though_somebody_is_inside(
        self, own: Database, other: Second
    ) -> None:
        second.settle(own).delete()
        with connections[aliases.fleet_alias(own.alias)].cursor() as cursor:
            cursor.execute("SELECT 1")
        providing.retire(own.alias)
        assert f"tenlyr_{own.alias}" not in other.databases()
        assert not Location.objects.filter(alias=own.alias).exists()
        row = Database.objects.get(pk=own.alias)
        assert (row.state, row.dsn, row.detail["gone"]) == (Database.State.RETIRED, None, True)
        aliases.let_go(aliases.fleet_alias(own.alias))
        providing.retire(own.alias)
        with pytest.raises(DatabaseFailed, match="is retired: take another name"):
            providing.provide(own.alias)

    def test_not_while_a_tenant_lives_there(self, own: Database, other: Second) -> None:
        second.settle(own)
        with pytest.raises(DatabaseInUse, match=f"A tenant lives in the database {own.alias}"):
            providing.retire(own.alias)
        assert Database.objects.get(pk=own.alias).state == Database.State.READY
        assert f"tenlyr_{own.alias}" in other.databases()

    def test_one_that_is_not_known_is_no_matter(self) -> None:
        providing.retire("db_000000000000")

    def test_what_could_not_be_dropped_is_tried_again(
        self, own: Database, other: Second, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(servers, "drop_database", _fails)
            with pytest.raises(DatabaseFailed, match="Not today"):
                providing.retire(own.alias)
        assert Database.objects.get(pk=own.alias).error == "Not today."
        assert f"tenlyr_{own.alias}" in other.databases()
        assert retire_databases() >= 1
        assert f"tenlyr_{own.alias}" not in other.databases()
        assert Database.objects.get(pk=own.alias).error == ""

    def test_a_run_that_ended_half_way_does_not_begin_with_the_same_again(
        self, server: Server, other: Second, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A server that hangs costs a run its time: the next one goes on behind it."""
        hanging, next_one = sorted(
            [second.provided(server), second.provided(server)], key=lambda one: one.alias
        )
        drop = servers.drop_database

        def hangs(database: Database) -> None:
            if database == hanging:
                raise Killed
            drop(database)

        for one in (hanging, next_one):
            release(second.settle(one).tenant_id)
        with monkeypatch.context() as patched:
            patched.setattr(servers, "drop_database", hangs)
            for _ in range(2):
                with pytest.raises(Killed):
                    retire_databases()
        assert f"tenlyr_{hanging.alias}" in other.databases()
        assert f"tenlyr_{next_one.alias}" not in other.databases()
        assert retire_databases() >= 1
        assert f"tenlyr_{hanging.alias}" not in other.databases()

    def test_a_purged_tenants_database_goes_with_it(self, own: Database, other: Second) -> None:
        tenant = second.settle(own)
        release(tenant.tenant_id)
        assert f"tenlyr_{own.alias}" in other.databases()
        assert retire_databases() >= 1
        assert f"tenlyr_{own.alias}" not in other.databases()
        assert not Placement.objects.filter(location__alias=own.alias).exists()

    def test_one_that_is_empty_because_it_is_new_stays(self, own: Database) -> None:
        retire_databases()
        assert Database.objects.get(pk=own.alias).state == Database.State.READY


@pytest.mark.parametrize("name", ["database", "server_pool", "instance", "hook"])
def test_each_driver_has_what_a_driver_needs(name: str) -> None:
    driver = drivers.driver(name)
    assert all(callable(getattr(driver, verb)) for verb in ("create", "destroy", "describe"))


class Killed(BaseException):
    """The end of a worker whose time is over."""


def _fails(*_: Any) -> None:
    raise DatabaseFailed("Not today.")
