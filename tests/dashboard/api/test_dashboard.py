"""`tenants.dashboard`: GET /api/v1/tenants/dashboard (B1, A31, X47)."""

import pytest

from tests import cast
from tests.cast import Account, Answer, Api, Customer
from tests.tenants.support import assert_needs_admin_key, assert_refused

PATH = "/api/v1/tenants/dashboard"
FIELDS = {
    "id",
    "name",
    "ownerEmail",
    "plan",
    "status",
    "region",
    "isolationLevel",
    "apiCalls",
    "storageGb",
    "seats",
    "compute",
    "errorRate",
    "requestRate",
    "slaRisk",
    "rateLimit",
    "healthStatus",
    "mrrCents",
    "usageCostCents",
    "apiCallLimit",
    "storageGbLimit",
    "seatsLimit",
    "computeLimit",
}


def fetch(workspace: Account, query: str = "") -> Answer:
    return Api().get(PATH + query, key=workspace.key)


class Test200:
    def test_an_array_of_whole_rows(self, acme: Customer, globex: Customer) -> None:
        answer = fetch(acme.workspace)
        assert answer.status == 200
        assert [row["id"] for row in answer.body] == [str(globex.id), str(acme.id)]
        for row, tenant in zip(answer.body, (globex, acme), strict=True):
            assert set(row) == FIELDS
            base = ("name", "ownerEmail", "plan", "status", "region", "isolationLevel")
            assert {name: row[name] for name in base} == {name: tenant.body[name] for name in base}
        assert "X-Next-Cursor" not in answer.headers

    def test_an_empty_workspace(self, workspace: Account) -> None:
        assert fetch(workspace).body == []

    def test_another_workspaces_tenants_are_not_there(
        self, acme: Customer, stranger: Customer
    ) -> None:
        assert [row["id"] for row in fetch(acme.workspace).body] == [str(acme.id)]

    def test_a_deleted_tenant_is_gone_and_a_suspended_one_is_shown(
        self, acme: Customer, globex: Customer
    ) -> None:
        key = acme.workspace.key
        Api().post(f"/api/v1/tenants/{acme.id}/suspend", key=key)
        Api().delete(f"/api/v1/tenants/{globex.id}", key=key)
        (row,) = fetch(acme.workspace).body
        assert (row["id"], row["status"]) == (str(acme.id), "suspended")

    def test_pages_are_linked(self, workspace: Account) -> None:
        made = [str(cast.tenant(workspace).id) for _ in range(3)]
        first = fetch(workspace, "?limit=2")
        cursor = first.headers["X-Next-Cursor"]
        link = first.headers["Link"]
        assert link.endswith('>; rel="next"')
        second = Api().get(link[1 : link.index(">")], key=workspace.key)
        assert second.body == fetch(workspace, f"?limit=2&cursor={cursor}").body
        assert [row["id"] for row in first.body + second.body] == made[::-1]
        assert "Link" not in second.headers


class Test400:
    def test_a_cursor_of_the_list_is_none_here(self, workspace: Account) -> None:
        for _ in range(2):
            cast.tenant(workspace)
        cursor = Api().get("/api/v1/tenants?limit=1", key=workspace.key).body["nextCursor"]
        assert_refused(fetch(workspace, f"?cursor={cursor}"), 400, "invalid_cursor")
        assert_refused(fetch(workspace, "?cursor=x"), 400, "invalid_cursor")


class Test401And403:
    def test_only_an_admin_key(self, acme: Customer) -> None:
        assert_needs_admin_key("GET", PATH, acme)


class Test405:
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_other_methods(self, workspace: Account, method: str) -> None:
        answer = Api().call(method, PATH, key=workspace.key)
        assert_refused(answer, 405, "method_not_allowed")


class Test422:
    @pytest.mark.parametrize("query", ["?limit=0", "?limit=x", "?status=active"])
    def test_a_wrong_parameter(self, workspace: Account, query: str) -> None:
        assert_refused(fetch(workspace, query), 422, "invalid_request")
