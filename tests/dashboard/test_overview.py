"""One row per tenant, joined without a query per tenant (B1, A31, X14)."""

from collections.abc import Callable
from decimal import Decimal

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.dashboard import overview
from apps.dashboard.api.serializers import DashboardTenantSerializer
from apps.health.models import Current
from apps.tenants.models import Tenant
from tenlyr.core import clock
from tenlyr.core.api import wire
from tests import cast
from tests.cast import Account, Api, Customer


def test_a_row_has_every_documented_field_and_no_other(acme: Customer) -> None:
    (row,) = overview.page(acme.workspace.id, limit=10, cursor=None).rows
    assert set(row) == set(DashboardTenantSerializer().fields)


def test_what_is_not_known_is_empty_and_there(acme: Customer) -> None:
    (row,) = overview.page(acme.workspace.id, limit=10, cursor=None).rows
    empty = {
        "error_rate": None,
        "request_rate": None,
        "sla_risk": False,
        "health_status": "unknown",
    }
    assert {
        **empty,
        "mrr_cents": 0,
        "usage_cost_cents": 0,
        "rate_limit": None,
    }.items() <= row.items()
    assert (row["api_calls"], row["storage_gb"], row["seats"], row["compute"]) == (0, 0, 0, 0)


def test_health_is_that_of_the_last_scan(acme: Customer, globex: Customer) -> None:
    Current.objects.create(
        tenant_id=acme.id,
        workspace_id=acme.workspace.id,
        status="critical",
        since=clock.now(),
        error_rate=Decimal("12.4"),
        request_rate=340.0,
    )
    other, row = overview.page(acme.workspace.id, limit=10, cursor=None).rows
    names = ("error_rate", "request_rate", "sla_risk", "health_status")
    assert [row[name] for name in names] == [12.4, 340.0, True, "critical"]
    assert [other[name] for name in names] == [None, None, False, "unknown"]


def test_limits_come_from_the_plan_and_null_is_unlimited(workspace: Account) -> None:
    cast.tenant(workspace, plan="growth")
    cast.tenant(workspace, plan="enterprise")
    unlimited, growth = overview.page(workspace.id, limit=10, cursor=None).rows
    names = list(overview.LIMIT.values())
    assert [growth[name] for name in names] == [100_000, 10, 10, 10_000]
    assert [unlimited[name] for name in names] == [None] * 4


def test_the_throttle_is_shown(acme: Customer) -> None:
    Tenant.objects.filter(pk=acme.id).update(limit_rpm=120)
    (row,) = overview.page(acme.workspace.id, limit=10, cursor=None).rows
    assert row["rate_limit"] == 120


def test_usage_is_in_natural_units(
    acme: Customer, globex: Customer, stored: Callable[[], None]
) -> None:
    for tenant, calls in ((acme, 3), (globex, 5)):
        for metric, value in (("api_call", calls), ("storage_gb", 2.5), ("seats", 4)):
            answer = Api().post(
                "/api/v1/usage/track", {"metric": metric, "value": value}, key=tenant.key
            )
            assert answer.status == 201, answer.body
    stored()
    rows = {row["id"]: row for row in overview.page(acme.workspace.id, limit=10, cursor=None).rows}
    for tenant, calls in ((acme, 3), (globex, 5)):
        row = rows[tenant.id]
        assert (row["api_calls"], row["storage_gb"], row["seats"]) == (calls, 2.5, 4)
        shown = wire.camel_keys(row)
        metrics = Api().get("/api/v1/usage/metrics", key=tenant.key).body
        for name in ("apiCalls", "storageGb", "seats", "compute"):
            assert metrics[name] == shown[name]


def test_the_number_of_queries_does_not_grow(workspace: Account, stored: object) -> None:
    costs = []
    for _ in range(2):
        for _ in range(4):
            cast.tenant(workspace)
        cast.tenant(workspace, isolation_level="dedicated_schema")
        with CaptureQueriesContext(connection) as queries:
            rows = overview.page(workspace.id, limit=100, cursor=None).rows
        costs.append(len(queries))
    assert len(rows) == 10
    assert costs == [5, 5]
