"""Registering servers: each thing that is wrong is one sentence, and nothing is kept of it."""

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from apps.isolation.databases import addresses, aliases, checking, providing, servers
from apps.isolation.databases.errors import BadAddress, DatabaseFailed
from apps.isolation.models import Database, Driver, Location, Placement, Server
from tenlyr.runtime import ports
from tests.isolation.databases import second
from tests.isolation.databases.second import Second


def refusal(dsn: str, **more: str) -> str:
    """What is said of a server that is refused; nothing of it is kept."""
    with pytest.raises(DatabaseFailed) as refused:
        servers.register("refused", dsn, **more)  # type: ignore[arg-type]
    assert not Server.objects.filter(name="refused").exists()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_it_is_kept_sealed(server: Server, other: Second) -> None:
    assert other.deploy_url.encode() not in bytes(server.dsn)
    assert servers.address_of(server) == addresses.parse(other.deploy_url)


def test_a_name_is_taken_once(server: Server, other: Second) -> None:
    with pytest.raises(BadAddress, match=f"There is a server {server.name} already"):
        servers.register(server.name, other.deploy_url)


def test_nobody_there() -> None:
    dsn = f"postgresql://u:p@{ports.HOST}:{ports.any_free()}/postgres"
    assert refusal(dsn) == "The server refused cannot be reached: Connection refused."


def test_an_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)  # what a resolver says, without asking one
    said = refusal("postgresql://u:p@no-such-host.invalid/postgres")
    assert said.startswith("The server refused cannot be reached: ")


def test_a_wrong_password_is_not_repeated(other: Second) -> None:
    parts = urlsplit(other.deploy_url)
    netloc = f"{parts.username}:secretsauce@{parts.hostname}:{parts.port}"
    said = refusal(parts._replace(netloc=netloc).geturl())
    assert said.startswith("The server refused cannot be reached: password authentication failed")
    assert "secretsauce" not in said


def test_a_database_that_is_not_there(other: Second) -> None:
    said = refusal(urlsplit(other.deploy_url)._replace(path="/nowhere").geturl())
    assert said == 'The server refused cannot be reached: database "nowhere" does not exist.'


@pytest.mark.parametrize(
    ("name", "rights", "missing"),
    [
        ("no_databases", "CREATEROLE", "needs CREATEDB."),
        ("no_roles", "CREATEDB", "needs CREATEROLE."),
        ("nothing", "", "needs CREATEROLE and CREATEDB."),
        ("above", "SUPERUSER", "is a superuser; give one that is not."),
    ],
)
def test_a_role_without_its_rights(other: Second, name: str, rights: str, missing: str) -> None:
    assert refusal(other.role(name, rights)) == f"The server refused: the role {name} {missing}"


def test_a_postgres_that_is_too_old(other: Second, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "OLDEST", 990_000)
    assert refusal(other.deploy_url) == "The server refused is a Postgres older than 15."


def test_a_pooler_that_is_no_address(other: Second) -> None:
    said = refusal(other.deploy_url, pool_url="pooler:6432")
    assert said == "The pooler of refused must begin with postgresql:// and name a host."


def test_a_server_of_another_tenlyr(server: Server, other: Second) -> None:
    providing.provide(providing.new_alias(), Driver.DATABASE)
    with other.superuser() as connection:
        connection.execute("ALTER ROLE tenlyr_app PASSWORD 'the other one''s'")
    assert refusal(other.deploy_url) == "The server refused holds the roles of another Tenlyr."
    with pytest.raises(DatabaseFailed, match="holds the roles of another Tenlyr"):
        providing.provide(providing.new_alias(), Driver.DATABASE)
    with other.superuser() as connection:
        connection.execute("DROP OWNED BY tenlyr_app; ALTER ROLE tenlyr_app RENAME TO gone")
    retried = Database.objects.get(state=Database.State.FAILED, server=server)
    assert providing.provide(retried.alias).state == Database.State.READY


def test_a_new_address_is_that_of_its_databases_too(own: Database, other: Second) -> None:
    row = Server.objects.get(pk=own.server_id)
    moved = addresses.parse(other.role("rotated", "CREATEROLE CREATEDB"))
    row.dsn = addresses.seal(moved, servers.DSN_PLACE)
    row.save()
    servers.readdress(row)
    own.refresh_from_db()
    assert aliases.address_of(own) == moved.named(f"tenlyr_{own.alias}")
    row.dsn = addresses.seal(addresses.parse(other.deploy_url), servers.DSN_PLACE)
    row.save()
    servers.readdress(row)
    own.refresh_from_db()


def test_an_address_that_cannot_be_read_is_that_servers_trouble(
    own: Database, other: Second
) -> None:
    """The sweep goes on to the databases of other servers."""
    row = Server.objects.get(pk=own.server_id)
    good = row.dsn
    Server.objects.filter(pk=row.pk).update(dsn=b"sealed by nobody")
    released, beside = second.settle(own), servers.register(second.slug(), other.deploy_url)
    Placement.objects.filter(pk=released.pk).delete()
    Location.objects.filter(alias=own.alias).update(state=Location.State.RETIRED)
    elsewhere = _one_on(beside)
    try:
        said = f"The address of the server {row.name} cannot be read: give it again."
        with pytest.raises(DatabaseFailed, match=said):
            providing.retire(own.alias)
        Database.objects.filter(pk=elsewhere.pk).update(state=Database.State.RETIRED)
        assert providing.retire_left() >= 1
        assert Database.objects.get(pk=own.alias).error == said
        assert Database.objects.get(pk=elsewhere.alias).detail["gone"]
    finally:
        Server.objects.filter(pk=row.pk).update(dsn=good)
        second.forget(beside)


def _one_on(server: Server) -> Database:
    """A database of the newest server: the others are closed meanwhile."""
    others = Server.objects.filter(is_open=True).exclude(pk=server.pk)
    closed = list(others.values_list("pk", flat=True))
    others.update(is_open=False)
    try:
        return second.provided(server)
    finally:
        Server.objects.filter(pk__in=closed).update(is_open=True)


class TestPool:
    def test_the_emptiest_open_one_with_room_is_taken(self, other: Second) -> None:
        pool = [
            servers.register(second.slug(), other.deploy_url, driver="server_pool", max_databases=m)
            for m in (1, 3, 9)
        ]
        pool[2].is_open = False
        pool[2].save()
        try:
            taken = [second.provided(pool[0]) for _ in range(4)]
            assert [row.server for row in taken] == [pool[0], pool[1], pool[1], pool[1]]
            assert taken[0].provided == (
                f"a database of its own on {pool[0].name}, one of a pool of servers"
            )
            with pytest.raises(DatabaseFailed, match="No server registered for server_pool is"):
                second.provided(pool[0])
            providing.retire(taken[1].alias)
            assert second.provided(pool[0]).server == pool[1]
        finally:
            Database.objects.filter(server=None, driver="server_pool").delete()
            for row in pool:
                second.forget(row)

    def test_an_empty_pool_says_what_to_do(self) -> None:
        alias = providing.new_alias()
        with pytest.raises(DatabaseFailed, match="register another, or raise its max_databases"):
            providing.provide(alias, Driver.SERVER_POOL)
        providing.retire(alias)
        Database.objects.filter(pk=alias).delete()


def test_without_a_registered_server_it_is_the_control_planes() -> None:
    database = providing.provide(providing.new_alias(), Driver.DATABASE)
    try:
        assert database.provided == "a database of its own on the control plane's server"
        assert second.settle(database).location.alias == database.alias
    finally:
        second.remove(database)
