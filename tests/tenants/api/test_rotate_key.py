"""`tenants.rotateApiKey`: POST /api/v1/tenants/:id/rotate-key (B9, X6, X6b, X23)."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from tenlyr.core import clock
from tests.cast import Answer, Api, Customer
from tests.tenants.support import (
    assert_hides_others,
    assert_needs_admin_key,
    assert_refused,
    at_once,
    code_of,
)

WEEK_S = 7 * 24 * 3600


def path(tenant: object) -> str:
    return f"/api/v1/tenants/{tenant}/rotate-key"


def rotate(tenant: Customer, body: Any = None, **more: Any) -> Answer:
    return Api().post(path(tenant.id), body, key=tenant.workspace.key, **more)


class Test200:
    def test_the_old_key_ends_and_the_new_one_works(self, acme: Customer) -> None:
        answer = rotate(acme)
        assert answer.status == 200
        fresh = answer.body["apiKey"]
        assert answer.body["tenant"] == {**acme.body, "apiKeyPrefix": fresh[:16]}
        assert (code_of(acme.key), code_of(fresh)) == ("key_revoked", "ok")

    @pytest.mark.parametrize("seconds", [1, 60, WEEK_S])
    def test_with_grace_the_old_one_lasts_that_long(self, acme: Customer, seconds: int) -> None:
        now = clock.now()
        with time_machine.travel(now, tick=False):
            answer = rotate(acme, {"gracePeriodSeconds": seconds})
        with time_machine.travel(now + timedelta(seconds=seconds - 0.5), tick=False):
            assert code_of(acme.key) == "ok"
        with time_machine.travel(now + timedelta(seconds=seconds + 0.5), tick=False):
            assert (code_of(acme.key), code_of(answer.body["apiKey"])) == ("key_revoked", "ok")

    def test_a_suspended_tenant(self, acme: Customer) -> None:
        Api().post(f"/api/v1/tenants/{acme.id}/suspend", key=acme.workspace.key)
        assert rotate(acme).body["tenant"]["status"] == "suspended"

    def test_a_repeat_shows_the_same_key_for_ten_minutes(self, acme: Customer) -> None:
        key = str(uuid4())
        first = rotate(acme, idempotency_key=key)
        again = rotate(acme, idempotency_key=key)
        assert json.dumps(first.body) == json.dumps(again.body)
        assert code_of(again.body["apiKey"]) == "ok"
        with time_machine.travel(clock.now() + timedelta(minutes=10, seconds=1)):
            assert_refused(rotate(acme, idempotency_key=key), 409, "secret_expired")

    def test_of_many_at_once_one_new_key_works(self, acme: Customer) -> None:
        answers = at_once(12, lambda _number: rotate(acme))
        assert {answer.status for answer in answers} == {200}
        fresh = [answer.body["apiKey"] for answer in answers]
        assert len(set(fresh)) == 12
        assert sorted(map(code_of, fresh)) == ["key_revoked"] * 11 + ["ok"]


class Test400:
    def test_a_terminated_tenant(self, acme: Customer) -> None:
        Api().post(f"/api/v1/tenants/{acme.id}/terminate", key=acme.workspace.key)
        assert_refused(rotate(acme), 400, "already_terminated")


class Test401403And404:
    def test_only_an_admin_key(self, acme: Customer) -> None:
        assert_needs_admin_key("POST", path(acme.id), acme)

    def test_only_its_own_tenants(self, acme: Customer, stranger: Customer) -> None:
        assert_hides_others("POST", path, acme, stranger.id, {})
        assert code_of(stranger.key) == "ok"


class Test422:
    @pytest.mark.parametrize("grace", [-1, WEEK_S + 1, 1.5, "60", True, None, [], 10**30])
    def test_a_wrong_grace(self, acme: Customer, grace: Any) -> None:
        answer = rotate(acme, {"gracePeriodSeconds": grace})
        assert_refused(answer, 422, "invalid_request")
        assert [one["field"] for one in answer.body["errors"]] == ["gracePeriodSeconds"]
        assert code_of(acme.key) == "ok"

    def test_an_unknown_field(self, acme: Customer) -> None:
        assert_refused(rotate(acme, {"apiKey": "mine"}), 422, "invalid_request")
