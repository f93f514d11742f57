"""Django's names for tenants' own databases: made when asked for, out of nobody's way."""

from contextlib import suppress
from typing import Any

import pytest
from django.db import OperationalError, close_old_connections, connections, transaction
from django.utils.connection import ConnectionDoesNotExist
from structlog.testing import capture_logs

from apps.isolation.backend import pools
from apps.isolation.databases import addresses, aliases
from apps.isolation.databases.errors import UnknownDatabase
from apps.isolation.models import Database
from tenlyr.runtime import ports
from tests.core.threads import together
from tests.isolation.databases.second import Second


def told(alias: str) -> tuple[str, str]:
    """Which database and which role a name connects to."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT current_database(), current_user")
        found: tuple[str, str] = cursor.fetchone()
    aliases.let_go(alias)
    return found


def test_three_names_lead_to_one_database_in_three_roles(own: Database) -> None:
    name = f"tenlyr_{own.alias}"
    assert told(own.alias) == (name, "tenlyr_app")
    assert told(aliases.fleet_alias(own.alias)) == (name, "tenlyr_fleet")
    assert told(aliases.owner_alias(own.alias)) == (name, "tenlyr_owner")


def test_the_control_plane_keeps_its_names() -> None:
    assert aliases.fleet_alias("default") == "fleet"
    assert aliases.owner_alias("default") == "owner"
    assert aliases.database_of("owner") == aliases.database_of("default") == "default"
    assert aliases.database_of("db_0123456789ab_fleet") == "db_0123456789ab"
    assert aliases.is_owner("owner")
    assert aliases.is_owner("db_0123456789ab_owner")
    assert not aliases.is_owner("db_0123456789ab")


@pytest.mark.parametrize("alias", ["db_0123456789ab", "db_0123456789ab_fleet"])
def test_a_database_that_is_in_no_row_is_unknown(alias: str) -> None:
    with pytest.raises(UnknownDatabase, match=r"There is no database db_0123456789ab\."):
        connections[alias].cursor()


@pytest.mark.parametrize("alias", ["db_0123456789aB", "db_0123", "db_0123456789ab_other", "other"])
def test_what_is_no_name_of_ours_is_none(alias: str) -> None:
    with pytest.raises(ConnectionDoesNotExist):
        connections[alias].cursor()


def test_one_without_an_address_is_not_known_yet() -> None:
    row = Database.objects.create(alias="db_ffffffffffff", driver="instance")
    try:
        with pytest.raises(UnknownDatabase, match="has no address yet"):
            connections[row.alias].cursor()
        row.dsn = addresses.seal(addresses.parse("postgresql://u:p@h/n"), aliases.DSN_PLACE)
        row.save()
        assert connections[row.alias].settings_dict["HOST"] == "h"
    finally:
        aliases.let_go("db_ffffffffffff")
        row.delete()
        aliases.suspect("db_ffffffffffff")


@pytest.mark.parametrize("name", ["db_eeeeeeeeeeee", "db_eeeeeeeeeeee_owner"])
@pytest.mark.parametrize(
    "broken", [{"dsn": b"sealed by nobody"}, {"pool_url": "postgresql://h"}], ids=["dsn", "pooler"]
)
def test_an_address_that_cannot_be_read_is_told_once(name: str, broken: dict[str, Any]) -> None:
    sealed = addresses.seal(addresses.parse("postgresql://u:p@h/n"), aliases.DSN_PLACE)
    alias = aliases.database_of(name)
    row = Database.objects.create(alias=alias, driver="hook", **{"dsn": sealed, **broken})
    try:
        with capture_logs() as logs:
            for _ in range(2):
                aliases.ensure_all([alias, "default"])
                with pytest.raises(UnknownDatabase, match=f"{alias} cannot be read"):
                    connections[name].cursor()
        told = [(one["log_level"], one["event"], one["database"]) for one in logs]
        assert told == [("warning", "isolation.address_unreadable", alias)]
        Database.objects.filter(pk=alias).update(dsn=sealed, pool_url="")
        assert connections[name].settings_dict["HOST"] == "h"
        assert alias not in aliases._unreadable
    finally:
        aliases.let_go(name)
        row.delete()
        aliases.suspect(alias)


def test_an_older_address_is_not_gone_back_to(own: Database) -> None:
    good = Database.objects.get(pk=own.alias).dsn
    assert told(own.alias)[1] == "tenlyr_app"
    Database.objects.filter(pk=own.alias).update(dsn=b"sealed by nobody")
    pools.end(own.alias)
    for at_once in ([own.alias], []):
        aliases.suspect(own.alias)
        aliases.ensure_all(at_once)
        for _ in range(2):
            with pytest.raises(UnknownDatabase):
                connections[own.alias].cursor()
    Database.objects.filter(pk=own.alias).update(dsn=good)
    assert told(own.alias)[1] == "tenlyr_app"


def test_who_walks_over_all_connections_sees_those_of_its_thread(own: Database) -> None:
    with connections[own.alias].cursor() as cursor:
        cursor.execute("SELECT 1")
    assert own.alias in set(connections)
    assert together([lambda: set(connections)]) == [{"default", "fleet", "owner"}]
    close_old_connections()
    assert connections[own.alias].connection is None
    aliases.let_go(own.alias)
    assert set(connections) == {"default", "fleet", "owner"}


def test_threads_may_meet_a_database_at_the_same_time(own: Database) -> None:
    aliases._known.pop(own.alias, None)
    assert len(set(together([lambda: told(own.alias)] * 4))) == 1


def test_where_nobody_answers_the_address_is_read_again(own: Database, other: Second) -> None:
    good = Database.objects.get(pk=own.alias).dsn
    wrong = addresses.parse(f"postgresql://u:p@{ports.HOST}:{ports.any_free()}/nowhere")
    Database.objects.filter(pk=own.alias).update(dsn=addresses.seal(wrong, aliases.DSN_PLACE))
    pools.end(own.alias)
    aliases.suspect(own.alias)
    with pytest.raises(OperationalError, match="refused"):
        connections[own.alias].cursor()
    aliases.let_go(own.alias)
    Database.objects.filter(pk=own.alias).update(dsn=good)
    assert told(own.alias)[1] == "tenlyr_app"


def test_an_address_is_read_once(own: Database, django_assert_num_queries: Any) -> None:
    aliases._known.pop(own.alias, None)
    with django_assert_num_queries(1):
        aliases.ensure_all([own.alias, "default"])
        aliases.ensure_all([own.alias])
        assert connections[own.alias].settings_dict["NAME"] == f"tenlyr_{own.alias}"
    aliases.let_go(own.alias)


def test_a_connection_inside_a_transaction_is_not_pooled_half_done(own: Database) -> None:
    with suppress(ZeroDivisionError), transaction.atomic(using=own.alias):
        connections[own.alias].close()
        raise ZeroDivisionError
    aliases.let_go(own.alias)
    assert pools.of(own.alias).idle == 0
    assert told(own.alias)[1] == "tenlyr_app"
