"""`health.*`: GET /api/v1/health, /health/overview and /health/:id (B20, B21, X37)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.health.models import Current, Progress
from tests import cast
from tests.cast import Account, Answer, Api, Customer
from tests.tenants.support import assert_hides_others, assert_needs_admin_key, assert_refused

PATH = "/api/v1/health"
SINCE = datetime(2026, 11, 20, 9, 30, 15, 250_000, UTC)
UNKNOWN = {
    "status": "unknown",
    "errorRate": None,
    "requestRate": None,
    "p50Ms": None,
    "p95Ms": None,
    "slaRisk": False,
    "noisyNeighbour": False,
    "rateLimit": None,
    "since": None,
}


def fetch(workspace: Account, path: str = "", **more: Any) -> Answer:
    return Api().get(f"{PATH}{path}", key=workspace.key, **more)


def seen(tenant: Customer, status: str, error_rate: str | None = None, **fields: Any) -> None:
    """Let the last scan have found the tenant so."""
    Current.objects.create(
        tenant_id=tenant.id,
        workspace_id=tenant.workspace.id,
        status=status,
        since=SINCE,
        error_rate=None if error_rate is None else Decimal(error_rate),
        **fields,
    )


class TestOne:
    def test_nothing_is_known_of_a_new_tenant(self, acme: Customer) -> None:
        answer = fetch(acme.workspace, f"/{acme.id}")
        assert answer.status == 200
        shown = {name: value for name, value in answer.body.items() if name != "checkedAt"}
        assert shown == {**UNKNOWN, "tenantId": str(acme.id), "tenantName": "Acme Corp"}

    def test_what_the_last_scan_found(self, acme: Customer) -> None:
        Progress.objects.update_or_create(database="tests", defaults={"scanned_at": cast_off()})
        numbers = {"request_rate": 340.2, "p50_ms": 12.5, "p95_ms": 80.0, "is_noisy": True}
        seen(acme, "critical", "12.4", **numbers)
        shown = fetch(acme.workspace, f"/{acme.id}").body
        checked_at = shown.pop("checkedAt")
        assert datetime.fromisoformat(checked_at) >= cast_off()
        assert shown == {
            "tenantId": str(acme.id),
            "tenantName": "Acme Corp",
            "status": "critical",
            "errorRate": 12.4,
            "requestRate": 340.2,
            "p50Ms": 12.5,
            "p95Ms": 80.0,
            "slaRisk": True,
            "noisyNeighbour": True,
            "rateLimit": None,
            "since": "2026-11-20T09:30:15.250Z",
        }

    @pytest.mark.parametrize(
        ("status", "is_risk"), [("healthy", False), ("warning", True), ("unknown", False)]
    )
    def test_who_is_at_risk(self, acme: Customer, status: str, is_risk: bool) -> None:
        seen(acme, status)
        shown = fetch(acme.workspace, f"/{acme.id}").body
        assert (shown["status"], shown["slaRisk"]) == (status, is_risk)

    def test_others_tenants_are_unknown(self, acme: Customer, stranger: Customer) -> None:
        seen(stranger, "healthy", "0.0")
        assert_hides_others("GET", lambda one: f"{PATH}/{one}", acme, stranger.id)

    def test_a_tenants_key_does_not_open_it(self, acme: Customer) -> None:
        assert_needs_admin_key("GET", f"{PATH}/{acme.id}", acme)


class TestList:
    def test_an_array_newest_first_of_ones_own(
        self, acme: Customer, globex: Customer, stranger: Customer
    ) -> None:
        seen(acme, "warning", "3.0")
        answer = fetch(acme.workspace)
        assert [(one["tenantId"], one["status"]) for one in answer.body] == [
            (str(globex.id), "unknown"),
            (str(acme.id), "warning"),
        ]
        assert "X-Next-Cursor" not in answer.headers
        single = fetch(acme.workspace, f"/{acme.id}").body
        assert answer.body[1] == {**single, "checkedAt": answer.body[1]["checkedAt"]}

    def test_page_after_page(self, workspace: Account) -> None:
        made = [str(cast.tenant(workspace).id) for _ in range(5)]
        path, found = "?limit=2", []
        for _ in range(3):
            answer = fetch(workspace, path)
            found += [one["tenantId"] for one in answer.body]
            if cursor := answer.headers.get("X-Next-Cursor"):
                link, rel = answer.headers["Link"].split("; ")
                assert rel == 'rel="next"'
                path = link.strip("<>").removeprefix(PATH)
                assert cursor in path
        assert found == made[::-1]
        assert "Link" not in answer.headers

    def test_anothers_cursor_is_none(self, workspace: Account) -> None:
        for _ in range(2):
            cast.tenant(workspace)
        cursor = fetch(workspace, "?limit=1").headers["X-Next-Cursor"]
        other = Api().get(f"/api/v1/tenants?cursor={cursor}", key=workspace.key)
        assert_refused(other, 400, "invalid_cursor")

    @pytest.mark.parametrize("limit", ["0", "-1", "1.5", "many", ""])
    def test_a_limit_that_is_no_number(self, workspace: Account, limit: str) -> None:
        assert_refused(fetch(workspace, f"?limit={limit}"), 422, "invalid_request")

    def test_the_number_of_queries_does_not_grow(self, workspace: Account) -> None:
        costs = []
        for _ in range(2):
            for _ in range(4):
                cast.tenant(workspace)
            with CaptureQueriesContext(connection) as queries:
                assert fetch(workspace).status == 200
            costs.append(len(queries))
        assert costs[0] == costs[1] <= 5


class TestOverview:
    def test_an_empty_workspace(self, workspace: Account) -> None:
        assert fetch(workspace, "/overview").body == {
            "total": 0,
            "healthy": 0,
            "warning": 0,
            "critical": 0,
            "unknown": 0,
            "avgErrorRate": 0.0,
        }

    def test_counts_and_the_mean_over_those_with_data(
        self, workspace: Account, stranger: Customer
    ) -> None:
        seen(stranger, "critical", "99.0")
        found = [("healthy", "0.0"), ("healthy", "1.0"), ("warning", "10.0"), ("critical", "10.1")]
        for status, error_rate in found:
            seen(cast.tenant(workspace), status, error_rate)
        seen(cast.tenant(workspace), "unknown")
        cast.tenant(workspace)
        assert fetch(workspace, "/overview").body == {
            "total": 6,
            "healthy": 2,
            "warning": 1,
            "critical": 1,
            "unknown": 2,
            "avgErrorRate": 5.3,
        }

    def test_a_tenants_key_does_not_open_it(self, acme: Customer) -> None:
        assert_needs_admin_key("GET", f"{PATH}/overview", acme)


def cast_off() -> datetime:
    """A moment after all that other tests of this kind write."""
    return SINCE + timedelta(days=1)
