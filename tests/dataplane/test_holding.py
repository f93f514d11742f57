"""A tenant's rows of the operator's tables: taken away and purged whole, and nobody else's."""

from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings

from apps.dataplane import holding
from tests import cast
from tests.cast import Account, Customer
from tests.dataplane.plane import Session, furnish, release

TYPES = """
CREATE TYPE colour AS ENUM ('red', 'blue');
CREATE TABLE thing (
    tenant_id uuid NOT NULL, id int NOT NULL, "Odd Name" text, n numeric, big bigint, f float8,
    at timestamptz, raw bytea, j jsonb, c colour, list int[], PRIMARY KEY (id, tenant_id));
"""


@pytest.fixture(params=["shared_schema", "dedicated_schema"])
def tenant(request: pytest.FixtureRequest, workspace: Account) -> Customer:
    """A tenant at each level, whose operator has tables."""
    release(workspace)
    return cast.tenant(workspace, isolation_level=request.param)


def session(customer: Customer) -> Session:
    return Session(customer, settings.DATABASE_URL.geturl())


def test_every_row_is_exported_with_its_table(tenant: Customer) -> None:
    furnish(session(tenant), "mine")
    furnish(session(cast.tenant(tenant.workspace)), "theirs")
    rows = list(holding.export(tenant.id))
    assert [row["table"] for row in rows] == ["customers"] * 2 + ["notes"] + ["orders"] * 2 or [
        row["table"] for row in rows
    ] == ["customers"] * 2 + ["orders"] * 2 + ["notes"]
    assert all(row["row"]["tenant_id"] == str(tenant.id) for row in rows)
    assert "theirs" not in str(rows)


def test_values_lose_nothing(workspace: Account) -> None:
    release(workspace, TYPES)
    one = cast.tenant(workspace)
    session(one).run(
        "INSERT INTO thing VALUES (DEFAULT, 1, 'x', 12345678901234567890.123456789,"
        " 9007199254740993, 0.1,"
        " '2026-11-21T07:00:00Z', '\\xdead', '{\"a\": [1.5]}', 'blue', '{1,2}')"
    )
    [row] = [one["row"] for one in holding.export(one.id)]
    assert row["Odd Name"] == "x"
    assert Decimal(row["n"]) == Decimal("12345678901234567890.123456789")
    assert row["big"] == "9007199254740993"
    assert (row["f"], row["raw"], row["j"]) == (0.1, "\\xdead", {"a": [1.5]})
    assert (row["c"], row["list"]) == ("blue", [1, 2])
    assert row["at"].startswith("2026-11-21T07:00:00")


def test_many_rows_come_page_by_page(workspace: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holding, "ROWS_AT_A_TIME", 7)
    monkeypatch.setattr(holding, "DELETED_AT_A_TIME", 7)
    release(workspace, TYPES)
    one = cast.tenant(workspace)
    session(one).run("INSERT INTO thing (id) SELECT generate_series(1, 50)")
    assert [row["row"]["id"] for row in holding.export(one.id)] == list(range(1, 51))
    assert holding.purge(one.id) == 51


def test_a_purge_takes_one_tenants_rows(tenant: Customer, api: Any) -> None:
    neighbour = session(cast.tenant(tenant.workspace))
    furnish(neighbour, "theirs")
    furnish(session(tenant), "mine")
    api.delete(f"/api/v1/tenants/{tenant.id}", key=tenant.workspace.key)
    assert holding.purge(tenant.id) == 6
    assert list(holding.export(tenant.id)) == []
    assert holding.purge(tenant.id) == 0
    assert len(neighbour.run("SELECT * FROM orders")) == 2


def test_the_export_of_a_tenant_has_them(tenant: Customer, api: Any) -> None:
    furnish(session(tenant), "mine")
    path = f"/api/v1/tenants/{tenant.id}/export"
    for wanted in ("json", "csv", "zip"):
        answer = api.get(f"{path}?format={wanted}", key=tenant.workspace.key)
        assert answer.status == 200
    shown = api.get(path, key=tenant.workspace.key).body
    assert len(shown["dataplane"]) == 5


def test_a_tenant_without_tables(stranger: Customer) -> None:
    assert list(holding.export(stranger.id)) == []
    assert holding.purge(stranger.id) == 0
