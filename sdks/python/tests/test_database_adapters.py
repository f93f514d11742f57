"""SQLAlchemy's engines and Django's aliases of tenants, by stand-ins for the databases."""

import sys
from types import SimpleNamespace
from typing import Any, Optional

import pytest
import test_middleware_django  # noqa: F401  it sets Django up
from django.db import connections

from tenlyr.database import Login, TenantDatabases
from tenlyr.database import django as for_django
from tenlyr.database.sqlalchemy import TenantEngines
from tenlyr.middleware import CurrentTenant, TenantNotFoundError
from tenlyr.middleware.tenancy import as_current

OLD = Login("old.example", 5432, "shared", "op_1", "role_1", "secret-1")
NEW = Login("new.example", 6432, "own", "d_1", "role_1", "secret-1")


class MovedError(Exception):
    """What a driver says after a flip, wrapped as SQLAlchemy does."""

    orig = SimpleNamespace(sqlstate="40001")


class Databases(TenantDatabases):
    """A tenant that is at another place once somebody asks."""

    def __init__(self) -> None:
        self.ttl_s = 100
        self.sleep = lambda wait_s: None
        self.at = OLD

    def login(self, tenant_id: str) -> Login:
        return self.at

    def moved(self, tenant_id: str) -> None:
        self.at = NEW

    def connect(self, tenant_id: str) -> Any:
        return self.at.host


class Engine:
    """As much of an engine as is used."""

    def __init__(self, url: str, *, creator: Any, **options: Any) -> None:
        self.url, self.creator, self.options = url, creator, options
        self.disposed = 0

    def begin(self) -> "Engine":
        return self

    def __enter__(self) -> Any:
        return self.creator()

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def dispose(self) -> None:
        self.disposed += 1


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> TenantEngines:
    monkeypatch.setitem(sys.modules, "sqlalchemy", SimpleNamespace(create_engine=Engine))
    return TenantEngines(Databases(), echo=True)


def at_the_new_place(host: str) -> str:
    if host == "old.example":
        raise MovedError
    return host


def test_one_engine_for_each_tenant(engines: TenantEngines) -> None:
    first = engines.engine("t1")
    assert engines.engine("t1") is first
    assert engines.engine("t2") is not first
    wanted = {"pool_recycle": 19, "pool_pre_ping": True, "pool_size": 2, "echo": True}
    assert first.options == pytest.approx(wanted, abs=1)
    engines.dispose()
    assert first.disposed == 1


def test_an_engine_follows_its_tenant(engines: TenantEngines) -> None:
    assert engines.run("t1", at_the_new_place) == "new.example"
    assert engines.engine("t1").disposed == 1


def test_an_alias_has_the_login_of_now() -> None:
    databases = Databases()
    name = for_django.alias(databases, "t1")
    known = connections.databases[name]
    assert (known["HOST"], known["USER"], known["NAME"]) == ("old.example", "role_1", "shared")
    assert known["TIME_ZONE"] == connections.databases["default"]["TIME_ZONE"]
    before = connections[name]
    assert for_django.alias(databases, "t1") == name
    assert connections[name] is before
    databases.moved("t1")
    for_django.alias(databases, "t1")
    assert (connections[name].settings_dict["HOST"], connections[name] is before) == (
        "new.example",
        False,
    )


def test_work_under_an_alias_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[str] = []

    class Atomic:
        def __init__(self, using: str) -> None:
            used.append(using)

        def __enter__(self) -> None:
            """Nothing is open."""

        def __exit__(self, *_: object) -> None:
            """Nothing is open."""

    monkeypatch.setattr("tenlyr.database.django.transaction.atomic", Atomic)
    databases = Databases()
    found = for_django.run(
        databases, "t9", lambda name: at_the_new_place(connections.databases[name]["HOST"])
    )
    assert (found, used) == ("new.example", ["tenant_t9"] * 2)


class Router(for_django.TenantRouter):
    databases = Databases()
    app_labels = ("invoices",)


@pytest.mark.parametrize(("app", "name"), [("invoices", "tenant_t1"), ("auth", None)])
def test_models_of_the_tenants_go_to_the_current_one(app: str, name: Optional[str]) -> None:
    model = SimpleNamespace(_meta=SimpleNamespace(app_label=app))
    with as_current(CurrentTenant("t1", "acme")):
        assert Router().db_for_read(model) == name
        assert Router().db_for_write(model) == name


def test_without_a_tenant_there_is_no_database() -> None:
    model = SimpleNamespace(_meta=SimpleNamespace(app_label="invoices"))
    with pytest.raises(TenantNotFoundError):
        Router().db_for_read(model)


def test_nothing_is_migrated_there() -> None:
    told = [
        Router().allow_migrate(*one) for one in (("default", "invoices"), ("tenant_t1", "auth"))
    ]
    assert told == [False, False]
    assert Router().allow_migrate("default", "auth") is None
