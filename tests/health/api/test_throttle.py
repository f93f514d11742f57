"""`health.throttle` and `health.removeThrottle`: POST, DELETE /api/v1/health/:id/throttle (A24)."""

from typing import Any
from uuid import uuid4

import pytest

from apps.audit.models import AuditEntry
from apps.tenants import lifecycle
from tests.cast import Answer, Api, Customer
from tests.metering.support import store
from tests.tenants.support import assert_hides_others, assert_needs_admin_key, assert_refused

CALL = {"metric": "api_call", "value": 1}


def path(tenant_id: object) -> str:
    return f"/api/v1/health/{tenant_id}/throttle"


def throttle(tenant: Customer, body: Any, **more: Any) -> Answer:
    return Api().post(path(tenant.id), body, key=tenant.workspace.key, **more)


def remove(tenant: Customer, **more: Any) -> Answer:
    return Api().delete(path(tenant.id), key=tenant.workspace.key, **more)


def trail(tenant: Customer) -> list[tuple[str, Any]]:
    """What was done to the tenant's throttle, as its workspace's trail has it."""
    entries = AuditEntry.objects.filter(tenant_id=tenant.id).order_by("seq")
    return [
        (entry.body["action"], entry.body["details"])
        for entry in entries
        if "throttled" in entry.body["action"]
    ]


class Test200:
    def test_a_cap_is_shown_kept_and_taken_away(self, acme: Customer) -> None:
        capped = throttle(acme, {"limitRpm": 60})
        assert (capped.status, capped.body["rateLimit"]) == (200, 60)
        key = acme.workspace.key
        assert Api().get(f"/api/v1/health/{acme.id}", key=key).body == capped.body
        (row,) = Api().get("/api/v1/tenants/dashboard", key=key).body
        assert row["rateLimit"] == 60
        free = remove(acme)
        assert (free.status, free.body) == (200, {**capped.body, "rateLimit": None})

    def test_it_binds_at_once_and_no_longer_once_it_is_gone(self, acme: Customer) -> None:
        store()

        def tracked(times: int) -> list[int]:
            sent = [Api().post("/api/v1/usage/track", CALL, key=acme.key) for _ in range(times)]
            return [one.status for one in sent]

        assert tracked(3) == [201] * 3
        throttle(acme, {"limitRpm": 2})
        assert tracked(3) == [201, 201, 429]
        remove(acme)
        assert tracked(3) == [201] * 3

    @pytest.mark.parametrize("limit_rpm", [1, lifecycle.HIGHEST_RPM])
    def test_the_bounds(self, acme: Customer, limit_rpm: int) -> None:
        assert throttle(acme, {"limitRpm": limit_rpm}).body["rateLimit"] == limit_rpm

    def test_who_did_it_is_on_the_trail_and_nothing_twice(self, acme: Customer) -> None:
        for body in ({"limitRpm": 60}, {"limitRpm": 60}, {"limitRpm": 9}):
            assert throttle(acme, body).status == 200
        assert [remove(acme).status for _ in range(2)] == [200, 200]
        assert trail(acme) == [
            ("tenant.throttled", {"before_rpm": None, "limit_rpm": 60}),
            ("tenant.throttled", {"before_rpm": 60, "limit_rpm": 9}),
            ("tenant.unthrottled", {"before_rpm": 9, "limit_rpm": None}),
        ]

    def test_a_repeat_with_the_same_key_answers_alike(self, acme: Customer) -> None:
        key = str(uuid4())
        first = throttle(acme, {"limitRpm": 5}, idempotency_key=key)
        remove(acme)
        again = throttle(acme, {"limitRpm": 5}, idempotency_key=key)
        assert again.body == first.body
        assert again.headers["Idempotent-Replayed"] == "true"
        shown = Api().get(f"/api/v1/health/{acme.id}", key=acme.workspace.key)
        assert shown.body["rateLimit"] is None

    def test_a_suspended_tenant_too(self, acme: Customer) -> None:
        lifecycle.suspend(workspace_id=acme.workspace.id, tenant_id=acme.id)
        assert throttle(acme, {"limitRpm": 5}).body["rateLimit"] == 5


class TestRefused:
    def test_400_for_a_terminated_tenant(self, acme: Customer) -> None:
        lifecycle.terminate(workspace_id=acme.workspace.id, tenant_id=acme.id)
        for answer in (throttle(acme, {"limitRpm": 5}), remove(acme)):
            assert_refused(answer, 400, "already_terminated")

    @pytest.mark.parametrize("method", ["POST", "DELETE"])
    def test_401_and_403_without_an_admin_key(self, acme: Customer, method: str) -> None:
        assert_needs_admin_key(method, path(acme.id), acme)

    @pytest.mark.parametrize(("method", "body"), [("POST", {"limitRpm": 1}), ("DELETE", None)])
    def test_404_for_others_tenants(
        self, acme: Customer, stranger: Customer, method: str, body: Any
    ) -> None:
        assert_hides_others(method, path, acme, stranger.id, body)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"limitRpm": 0},
            {"limitRpm": -1},
            {"limitRpm": 1.5},
            {"limitRpm": "60"},
            {"limitRpm": True},
            {"limitRpm": None},
            {"limitRpm": lifecycle.HIGHEST_RPM + 1},
            {"limitRpm": 10**30},
            {"limitRpm": 60, "limit": 60},
        ],
    )
    def test_422_for_wrong_fields(self, acme: Customer, body: Any) -> None:
        assert_refused(throttle(acme, body), 422, "invalid_request")
        assert trail(acme) == []

    def test_no_caller_of_ours_passes_the_bounds(self, acme: Customer) -> None:
        for wrong in (0, lifecycle.HIGHEST_RPM + 1):
            with pytest.raises(ValueError, match="limit_rpm"):
                lifecycle.throttle(
                    workspace_id=acme.workspace.id, tenant_id=acme.id, limit_rpm=wrong
                )
