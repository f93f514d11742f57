"""`ratelimit.check`: POST /api/v1/ratelimit/check, for the operator's own gateway (X41)."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import override_settings

from apps.tenants.models import Tenant
from tenlyr.core import epochs, errors, ratelimits
from tests.cast import Account, Answer, Api, Customer
from tests.core import outages
from tests.metering.support import admit, caller, store
from tests.tenants.support import assert_refused

PATH = "/api/v1/ratelimit/check"
NO_LIMIT = {
    "allowed": True,
    "limit": None,
    "remaining": None,
    "resetSeconds": None,
    "retryAfter": None,
}


def check(key: str, body: Any = None, **more: Any) -> Answer:
    return Api().post(PATH, body, key=key, **more)


def of(tenant: Customer, **fields: Any) -> dict[str, Any]:
    """What the operator's gateway hears of a tenant."""
    answer = check(tenant.workspace.key, {"tenantId": str(tenant.id), **fields})
    assert answer.status == 200, answer.body
    return dict(answer.body)


def throttle(tenant: Customer, limit_rpm: int) -> None:
    Tenant.objects.filter(pk=tenant.id).update(limit_rpm=limit_rpm)
    epochs.raise_epoch(tenant.id)


class Test200:
    def test_a_tenant_without_a_throttle_has_no_limit(self, acme: Customer) -> None:
        assert of(acme) == check(acme.key).body == NO_LIMIT

    def test_it_takes_from_the_throttle_until_it_is_empty(self, acme: Customer) -> None:
        throttle(acme, 2)
        first, second, third = (of(acme) for _ in range(3))
        assert [one["allowed"] for one in (first, second, third)] == [True, True, False]
        assert [one["remaining"] for one in (first, second, third)] == [1, 0, 0]
        assert {one["limit"] for one in (first, second, third)} == {2}
        assert first["retryAfter"] is None
        assert 0 < third["retryAfter"] == third["resetSeconds"] <= 30

    def test_it_is_the_bucket_that_tracking_takes_from(self, acme: Customer) -> None:
        store()
        throttle(acme, 5)
        assert of(acme, cost=3)["remaining"] == 2
        tracked = [admit(caller(acme)) for _ in range(3)]
        assert [isinstance(one, errors.RateLimited) for one in tracked] == [False, False, True]
        assert not of(acme)["allowed"]

    def test_the_tenants_own_key_and_an_admin_as_the_tenant(self, acme: Customer) -> None:
        throttle(acme, 3)
        assert check(acme.key).body["remaining"] == 2
        acting = check(acme.workspace.key, x_tenant_id=str(acme.id))
        assert acting.body["remaining"] == 1
        assert of(acme)["remaining"] == 0

    def test_a_cost_that_never_has_room_says_so_and_takes_nothing(self, acme: Customer) -> None:
        throttle(acme, 3)
        asked = of(acme, cost=4)
        assert (asked["allowed"], asked["remaining"], asked["retryAfter"]) == (False, 3, None)
        assert of(acme, cost=3)["allowed"]

    @override_settings(API_RPM=5)
    def test_an_admin_key_without_a_tenant_spends_its_own_calls(self, workspace: Account) -> None:
        assert check(workspace.key, {"cost": 3}).body["remaining"] == 2
        listed = Api().get("/api/v1/tenants", key=workspace.key)
        assert listed.headers["RateLimit-Remaining"] == "1"
        refused = check(workspace.key, {"cost": 2})
        assert (refused.status, refused.body["allowed"]) == (200, False)
        assert 0 < refused.body["retryAfter"] <= 61

    @override_settings(API_RPM=0)
    def test_nothing_limits_a_key_where_there_is_no_limit(self, workspace: Account) -> None:
        assert check(workspace.key).body == NO_LIMIT

    @override_settings(API_RPM=1)
    def test_asking_is_not_counted(self, acme: Customer) -> None:
        throttle(acme, 100)
        assert all(of(acme)["allowed"] for _ in range(5))
        assert Api().get("/api/v1/isolation/migrations", key=acme.key).status == 200

    def test_the_headers_say_it_too(self, acme: Customer) -> None:
        throttle(acme, 7)
        told = check(acme.key).headers
        assert (told["RateLimit-Limit"], told["RateLimit-Remaining"]) == ("7", "6")
        assert 0 < int(told["RateLimit-Reset"]) <= 9

    def test_a_repeat_with_the_same_key_takes_nothing(self, acme: Customer) -> None:
        throttle(acme, 4)
        key = str(uuid4())
        first, again = (check(acme.key, {"cost": 2}, idempotency_key=key) for _ in range(2))
        assert first.body == again.body
        assert of(acme)["remaining"] == 1

    def test_all_is_allowed_while_redis_is_away(
        self, acme: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        throttle(acme, 1)
        monkeypatch.setattr(ratelimits, "_asked_again_at", [0.0])
        with outages.redis_away():
            asked = [of(acme) for _ in range(3)]
        assert asked == [{**NO_LIMIT, "limit": 1}] * 3


class Test404:
    def test_another_workspaces_tenant_looks_like_none(
        self, workspace: Account, stranger: Customer
    ) -> None:
        for other in (stranger.id, uuid4()):
            answer = check(workspace.key, {"tenantId": str(other)})
            assert_refused(answer, 404, "not_found")


class Test422:
    @pytest.mark.parametrize(
        "body",
        [
            {"cost": 0},
            {"cost": -1},
            {"cost": 1_001},
            {"cost": 1.5},
            {"cost": True},
            {"cost": "1"},
            {"tenantId": "acme"},
            {"tenantId": None},
            {"limit": 5},
        ],
    )
    def test_a_wrong_field(self, workspace: Account, body: Any) -> None:
        assert_refused(check(workspace.key, body), 422, "invalid_request")

    def test_a_tenants_key_names_no_tenant(self, acme: Customer) -> None:
        for named in (acme.id, uuid4()):
            answer = check(acme.key, {"tenantId": str(named)})
            assert_refused(answer, 422, "invalid_request")
