"""`tenants.changePlan` and `setPlan`: PATCH and PUT /api/v1/tenants/:id/plan (B10, X16)."""

from typing import Any

import pytest

from tests.cast import Answer, Api, Customer
from tests.tenants.support import (
    assert_hides_others,
    assert_needs_admin_key,
    assert_refused,
    resolve,
)

pytestmark = pytest.mark.parametrize("method", ["PATCH", "PUT"])


def path(tenant_id: object) -> str:
    return f"/api/v1/tenants/{tenant_id}/plan"


def change(tenant: Customer, body: Any, method: str) -> Answer:
    return Api().call(method, path(tenant.id), body, key=tenant.workspace.key)


class Test200:
    @pytest.mark.parametrize("plan", ["starter", "growth", "scale", "enterprise"])
    def test_up_down_and_to_the_same(self, acme: Customer, method: str, plan: str) -> None:
        answer = change(acme, {"plan": plan}, method)
        assert (answer.status, answer.body) == (200, {**acme.body, "plan": plan})

    def test_the_new_limit_counts_at_once(self, acme: Customer, method: str) -> None:
        change(acme, {"plan": "starter"}, method)
        assert resolve(acme.key).limits == {"api_call": 1_000}


class Test400:
    def test_a_terminated_one(self, acme: Customer, method: str) -> None:
        Api().post(f"/api/v1/tenants/{acme.id}/terminate", key=acme.workspace.key)
        assert_refused(change(acme, {"plan": "scale"}, method), 400, "already_terminated")


class Test401403And404:
    def test_only_an_admin_key(self, acme: Customer, method: str) -> None:
        assert_needs_admin_key(method, path(acme.id), acme)

    def test_others(self, acme: Customer, stranger: Customer, method: str) -> None:
        assert_hides_others(method, path, acme, stranger.id, {"plan": "scale"})
        assert resolve(stranger.key).limits == {"api_call": 100_000}


class Test422:
    @pytest.mark.parametrize(
        "body", [{}, {"plan": "free"}, {"plan": None}, {"plan": "scale", "priceCents": 0}]
    )
    def test_a_wrong_body(self, acme: Customer, method: str, body: Any) -> None:
        assert_refused(change(acme, body, method), 422, "invalid_request")
