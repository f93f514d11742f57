"""Connections of tenants: their logins are kept, renewed, and follow a tenant that moves."""

from collections.abc import Iterator
from typing import Any, Optional

import pytest
from fake_api import FakeApi, Told, known_answers
from replaying import KEYS

from tenlyr import TenlyrSync
from tenlyr.database import Login, TenantDatabases, is_moved

OLD = {"host": "old.example", "port": 5432, "database": "shared", "schema": "op_1"}
NEW = {"host": "new.example", "port": 6432, "database": "own", "schema": "d_1"}
KNOWN = known_answers()


class OperationalError(Exception):
    """What a driver raises, by the name that all of them give it."""

    def __init__(self, sqlstate: Optional[str] = None) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


class Driver:
    """Connects to hosts that are up; a transaction at the old place fails once it is closed."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.closed: set[str] = set()
        self.connected: list[dict[str, Any]] = []

    def connect(self, **parameters: Any) -> Any:
        if parameters["host"] in self.down:
            raise OperationalError
        self.connected.append(parameters)
        return Connection(self, parameters["host"])


class Connection:
    """One connection; at the end of its block it is committed."""

    def __init__(self, driver: Driver, host: str) -> None:
        self._driver = driver
        self.host = host

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def execute(self) -> str:
        if self.host in self._driver.closed:
            raise OperationalError("40001")
        return self.host


@pytest.fixture
def fake() -> Iterator[FakeApi]:
    with FakeApi() as made:
        credential = KNOWN["isolation.createCredential"].body
        made.tell("isolation.createCredential", {**credential, **OLD}, status=201)
        made.tell("isolation.connection", {**KNOWN["isolation.connection"].body, **NEW})
        yield made


@pytest.fixture
def client(fake: FakeApi) -> Iterator[TenlyrSync]:
    with TenlyrSync(KEYS["$ADMIN"], base_url=fake.url) as made:
        yield made


def test_a_login_is_kept_and_renewed_before_it_expires(fake: FakeApi, client: TenlyrSync) -> None:
    now = [0.0]
    driver = Driver()
    databases = TenantDatabases(client, ttl_s=100, connect=driver.connect, clock=lambda: now[0])
    for at in (0.0, 79.0, 80.0):
        now[0] = at
        databases.connect("t1")
    asked = fake.calls("isolation.createCredential")
    assert [one.body for one in asked] == [{"tenantId": "t1", "ttlSeconds": 100}] * 2
    assert [one["host"] for one in driver.connected] == ["old.example"] * 3
    assert {"dbname", "user", "password", "host", "port"} == set(driver.connected[0])


def test_closing_ends_the_logins(fake: FakeApi, client: TenlyrSync) -> None:
    made = [{**KNOWN["isolation.createCredential"].body, **OLD, "id": one} for one in "ab"]
    fake.tell("isolation.createCredential", *made, status=201)
    fake.tell("isolation.endCredential", Told(404, {"code": "not_found"}, {}), Told(204, "", {}))
    with TenantDatabases(client, connect=Driver().connect) as databases:
        databases.connect("t1")
        databases.connect("t2")
    databases.close()
    ended = fake.calls("isolation.endCredential")
    assert [one.path.rpartition("/")[2] for one in ended] == ["a", "b"]


def test_a_transaction_follows_the_tenant(fake: FakeApi, client: TenlyrSync) -> None:
    driver, waits = Driver(), list[float]()
    driver.closed.add("old.example")
    databases = TenantDatabases(client, connect=driver.connect, sleep=waits.append)
    assert databases.run("t1", lambda connection: connection.execute()) == "new.example"
    first, second = driver.connected
    assert (first["user"], first["password"]) == (second["user"], second["password"])
    assert (len(waits), len(fake.calls("isolation.createCredential"))) == (1, 1)


def test_a_refused_connection_asks_where_the_tenant_is(client: TenlyrSync) -> None:
    driver = Driver()
    driver.down.add("old.example")
    databases = TenantDatabases(client, connect=driver.connect)
    assert databases.connect("t1").host == "new.example"
    driver.down.add("new.example")
    with pytest.raises(OperationalError):
        databases.connect("t1")


def test_other_errors_are_the_callers(client: TenlyrSync) -> None:
    driver = Driver()
    databases = TenantDatabases(client, connect=driver.connect)

    def work(connection: Any) -> None:
        raise OperationalError("23505")

    with pytest.raises(OperationalError, match="23505"):
        databases.run("t1", work)
    assert len(driver.connected) == 1


def test_a_tenant_that_never_arrives_ends_the_tries(client: TenlyrSync) -> None:
    driver, waits = Driver(), list[float]()
    driver.closed |= {"old.example", "new.example"}
    databases = TenantDatabases(client, connect=driver.connect, sleep=waits.append)
    with pytest.raises(OperationalError, match="40001"):
        databases.run("t1", lambda connection: connection.execute())
    assert (len(waits), len(driver.connected)) == (7, 8)


def test_what_is_a_move() -> None:
    class WrappedError(Exception):
        orig = OperationalError("40001")

    assert is_moved(OperationalError("40001"))
    assert is_moved(WrappedError())
    assert not is_moved(OperationalError("57014"))
    assert not is_moved(ValueError())


def test_a_password_does_not_show() -> None:
    assert "hush" not in repr(Login("h", 1, "d", "s", "r", "hush"))
