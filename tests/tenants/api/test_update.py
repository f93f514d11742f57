"""`tenants.update`: PATCH /api/v1/tenants/:id (B5, A35, T14)."""

from typing import Any

import pytest

from tests.cast import Answer, Api, Customer
from tests.tenants.support import assert_hides_others, assert_needs_admin_key, assert_refused


def path(tenant_id: object) -> str:
    return f"/api/v1/tenants/{tenant_id}"


def update(tenant: Customer, body: Any) -> Answer:
    return Api().patch(path(tenant.id), body, key=tenant.workspace.key)


class Test200:
    @pytest.mark.parametrize(
        "body", [{}, {"name": "Acme 2"}, {"region": "eu-west-1"}, {"name": "B2", "region": "x1"}]
    )
    def test_what_is_given_changes(self, acme: Customer, body: dict[str, str]) -> None:
        answer = update(acme, body)
        assert (answer.status, answer.body) == (200, {**acme.body, **body})
        assert Api().get(path(acme.id), key=acme.workspace.key).body == answer.body


class Test400:
    def test_a_terminated_one(self, acme: Customer) -> None:
        Api().post(f"{path(acme.id)}/terminate", key=acme.workspace.key)
        assert_refused(update(acme, {"name": "Too late"}), 400, "already_terminated")


class Test401And403:
    def test_only_an_admin_key(self, acme: Customer) -> None:
        assert_needs_admin_key("PATCH", path(acme.id), acme)


class Test404:
    def test_others(self, acme: Customer, stranger: Customer) -> None:
        assert_hides_others("PATCH", path, acme, stranger.id, {"name": "Mine now"})
        answer = Api().get(path(stranger.id), key=stranger.workspace.key)
        assert answer.body == stranger.body


class Test422:
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"name": "x"}, "name"),
            ({"name": None}, "name"),
            ({"region": "US"}, "region"),
            ({"ownerEmail": "new@example.com"}, "ownerEmail"),
            ({"plan": "scale"}, "plan"),
            ({"status": "active"}, "status"),
            ({"isolationLevel": "dedicated_schema"}, "isolationLevel"),
            ({"id": "1"}, "id"),
            ({"workspaceId": "1"}, "workspaceId"),
            ({"rateLimit": 1}, "rateLimit"),
        ],
    )
    def test_what_is_wrong_or_not_the_callers(
        self, acme: Customer, body: dict[str, Any], field: str
    ) -> None:
        answer = update(acme, body)
        assert_refused(answer, 422, "invalid_request")
        assert [one["field"] for one in answer.body["errors"]] == [field]
        assert Api().get(path(acme.id), key=acme.workspace.key).body == acme.body
