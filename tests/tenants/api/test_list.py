"""`tenants.list`: GET /api/v1/tenants (B2, X39, X58, B08)."""

import base64
import json
from typing import Any

import pytest

from tests import cast
from tests.cast import Account, Answer, Api, Customer
from tests.tenants.support import assert_needs_admin_key, assert_refused

PATH = "/api/v1/tenants"


def fetch(workspace: Account, query: str = "") -> Answer:
    return Api().get(f"{PATH}?{query}" if query else PATH, key=workspace.key)


def ids_of(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    return [tenant["id"] for tenant in answer.body["data"]]


class Test200:
    def test_a_tenant_is_shown_as_it_was_at_its_creation(self, acme: Customer) -> None:
        answer = fetch(acme.workspace)
        assert answer.body == {"data": [acme.body], "nextCursor": None}

    def test_an_empty_workspace(self, workspace: Account) -> None:
        assert fetch(workspace).body == {"data": [], "nextCursor": None}

    def test_another_workspaces_tenants_are_not_there(
        self, acme: Customer, stranger: Customer
    ) -> None:
        assert ids_of(fetch(acme.workspace)) == [str(acme.id)]
        assert ids_of(fetch(stranger.workspace)) == [str(stranger.id)]

    def test_pages_newest_first(self, workspace: Account) -> None:
        made = [str(cast.tenant(workspace).id) for _ in range(3)]
        first = fetch(workspace, "limit=2")
        second = fetch(workspace, f"limit=2&cursor={first.body['nextCursor']}")
        assert ids_of(first) + ids_of(second) == made[::-1]
        assert second.body["nextCursor"] is None

    def test_the_cursor_decodes_to_the_documents_shape(self, workspace: Account) -> None:
        for _ in range(2):
            cast.tenant(workspace)
        cursor = fetch(workspace, "limit=1").body["nextCursor"]
        assert "createdAt" in json.loads(base64.urlsafe_b64decode(cursor))

    @pytest.mark.parametrize(("query", "count"), [("", 50), ("limit=100", 52), ("limit=999", 52)])
    def test_fifty_by_default_and_clamped_above(
        self, crowded: Account, query: str, count: int
    ) -> None:
        assert len(ids_of(fetch(crowded, query))) == count

    def test_filters(self, acme: Customer, globex: Customer) -> None:
        workspace = acme.workspace
        Api().post(f"{PATH}/{globex.id}/suspend", key=workspace.key)
        both = [str(globex.id), str(acme.id)]
        assert ids_of(fetch(workspace, "status=suspended")) == both[:1]
        assert ids_of(fetch(workspace, "status=active")) == both[1:]
        assert ids_of(fetch(workspace, "plan=growth")) == both
        assert ids_of(fetch(workspace, "plan=growth&status=pending")) == []
        address = acme.body["ownerEmail"]
        assert ids_of(fetch(workspace, f"ownerEmail={address.upper()}")) == both[1:]
        assert ids_of(fetch(workspace, f"ownerEmail={address[:-1]}")) == []


class Test400:
    @pytest.mark.parametrize(
        "cursor",
        [
            "x",
            "%25%25%25",
            "cD1hYmM=",
            "cD0lMDA=",
            "eyJjcmVhdGVkQXQiOi4uLn0=",
            "%C3%A9",
            "A" * 10_000,
        ],
    )
    def test_a_cursor_that_nobody_gave(self, workspace: Account, cursor: str) -> None:
        assert_refused(fetch(workspace, f"cursor={cursor}"), 400, "invalid_cursor")

    def test_a_changed_cursor(self, workspace: Account) -> None:
        for _ in range(2):
            cast.tenant(workspace)
        cursor = fetch(workspace, "limit=1").body["nextCursor"]
        position: dict[str, Any] = json.loads(base64.urlsafe_b64decode(cursor))
        position["createdAt"] = "0001-01-01T00:00:00+00:00"
        forged = base64.urlsafe_b64encode(json.dumps(position).encode()).decode()
        assert_refused(fetch(workspace, f"cursor={forged}"), 400, "invalid_cursor")

    def test_another_lists_cursor(self, workspace: Account) -> None:
        for _ in range(2):
            cast.tenant(workspace)
        cursor = fetch(workspace, "limit=1").body["nextCursor"]
        answer = fetch(workspace, f"status=active&cursor={cursor}")
        assert_refused(answer, 400, "invalid_cursor")
        foreign = fetch(cast.workspace(), f"cursor={cursor}")
        assert_refused(foreign, 400, "invalid_cursor")


class Test401And403:
    def test_only_an_admin_key(self, acme: Customer) -> None:
        assert_needs_admin_key("GET", PATH, acme)


class Test422:
    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("limit=-1", "limit"),
            ("limit=ten", "limit"),
            ("limit=1.5", "limit"),
            ("limit=1_0", "limit"),
            ("limit=%D9%A1%D9%A2", "limit"),
            ("limit=%2B5", "limit"),
            ("limit=", "limit"),
            ("limit=1&limit=2", "limit"),
            ("status=gone", "status"),
            ("status=", "status"),
            ("plan=free", "plan"),
            ("ownerEmail=" + "x" * 255, "ownerEmail"),
            ("ownerEmail=a%00b", "ownerEmail"),
            ("page=2", "page"),
            ("tenantId=1", "tenantId"),
        ],
    )
    def test_a_wrong_parameter(self, workspace: Account, query: str, field: str) -> None:
        answer = fetch(workspace, query)
        assert_refused(answer, 422, "invalid_request")
        assert [one["field"] for one in answer.body["errors"]] == [field]


class Test405:
    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_other_methods(self, workspace: Account, method: str) -> None:
        answer = Api().call(method, PATH, key=workspace.key)
        assert_refused(answer, 405, "method_not_allowed")


@pytest.fixture(scope="module")
def crowded() -> Account:
    """A workspace with more tenants than fit on a page by default."""
    account = cast.workspace()
    for _ in range(52):
        cast.tenant(account)
    return account
