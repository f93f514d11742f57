"""`tenants.suspend`: POST /api/v1/tenants/:id/suspend (B6, X7, T35)."""

import json
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from tests.cast import Answer, Api, Customer
from tests.tenants.support import (
    assert_hides_others,
    assert_needs_admin_key,
    assert_refused,
    at_once,
    code_of,
)


def path(tenant_id: object) -> str:
    return f"/api/v1/tenants/{tenant_id}/suspend"


def suspend(tenant: Customer, body: Any = None, **more: Any) -> Answer:
    return Api().post(path(tenant.id), body, key=tenant.workspace.key, **more)


class Test200:
    @pytest.mark.parametrize("body", [None, {}, {"reason": " "}, {"reason": "unpaid: 3 € and 😀"}])
    def test_it_blocks_at_once(self, acme: Customer, body: Any) -> None:
        answer = suspend(acme, body)
        assert (answer.status, answer.body) == (200, {**acme.body, "status": "suspended"})
        assert code_of(acme.key) == "tenant_suspended"

    def test_without_a_body_or_its_type(self, acme: Customer) -> None:
        assert suspend(acme, raw=b"", content_type="").status == 200

    def test_the_tenants_key_is_told_why(self, acme: Customer) -> None:
        suspend(acme)
        answer = Api().get("/api/v1/tenants", key=acme.key)
        assert_refused(answer, 401, "tenant_suspended")

    def test_a_repeat_with_the_same_key_answers_alike(self, acme: Customer) -> None:
        key = str(uuid4())
        first, again = (suspend(acme, idempotency_key=key) for _ in range(2))
        assert (first.status, again.status) == (200, 200)
        assert json.dumps(first.body) == json.dumps(again.body)


class Test400:
    def test_twice_and_after_the_end(self, acme: Customer) -> None:
        suspend(acme)
        assert_refused(suspend(acme), 400, "already_suspended")
        Api().post(f"/api/v1/tenants/{acme.id}/terminate", key=acme.workspace.key)
        assert_refused(suspend(acme), 400, "already_terminated")

    def test_of_fifty_at_once_one_suspends(self, acme: Customer) -> None:
        answers = at_once(50, lambda _number: suspend(acme))
        assert Counter(answer.status for answer in answers) == {200: 1, 400: 49}


class Test401And403:
    def test_only_an_admin_key(self, acme: Customer) -> None:
        assert_needs_admin_key("POST", path(acme.id), acme)
        assert code_of(acme.key) == "ok"


class Test404:
    def test_others(self, acme: Customer, stranger: Customer) -> None:
        assert_hides_others("POST", path, acme, stranger.id, {})
        assert code_of(stranger.key) == "ok"


class Test405:
    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    def test_other_methods(self, acme: Customer, method: str) -> None:
        answer = Api().call(method, path(acme.id), key=acme.workspace.key)
        assert_refused(answer, 405, "method_not_allowed")


class Test422:
    @pytest.mark.parametrize(
        "body",
        [
            {"reason": ""},
            {"reason": "x" * 501},
            {"reason": "a\0b"},
            {"reason": 1},
            {"reason": None},
            {"until": "tomorrow"},
            {"tenantId": "1"},
            [],
        ],
    )
    def test_a_wrong_body(self, acme: Customer, body: Any) -> None:
        answer = suspend(acme, raw=json.dumps(body).encode())
        assert_refused(answer, 422, "invalid_request")
        assert code_of(acme.key) == "ok"
