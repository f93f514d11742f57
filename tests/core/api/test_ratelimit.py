"""The limit on the management API as its callers meet it (X41)."""

from typing import Any

import pytest
from django.test import override_settings

from tests.cast import Account, Answer, Api, Customer
from tests.house.routes import OPERATIONS, PUBLIC, paths_of

TENANTS = "/api/v1/tenants"
NAMES = {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"}


def left(answer: Answer) -> int | None:
    """What the answer says is left."""
    assert NAMES & set(answer.headers) in (NAMES, set())
    found = answer.headers.get("RateLimit-Remaining")
    return None if found is None else int(found)


def test_it_counts_every_route_but_those_it_does_not_bind() -> None:
    """Usage is bound by the throttle and the plan, and asking for room is free."""
    guarded = [(path, view.cls) for path, view in paths_of() if path not in PUBLIC]
    free = {path for path, view in guarded if not getattr(view, "is_counted", True)}
    usage = {one.path for one in OPERATIONS if one.path.startswith("/api/v1/usage/")}
    assert free == usage | {"/api/v1/ratelimit/check"}


@override_settings(API_RPM=600)
def test_every_answer_to_a_known_key_tells_what_is_left(api: Api, acme: Customer) -> None:
    key = acme.workspace.key
    answers = [
        api.get(f"{TENANTS}/{acme.id}", key=key),
        api.get(f"{TENANTS}/{acme.workspace.id}", key=key),
        api.get(f"{TENANTS}?surprise=1", key=key),
        api.post(TENANTS, raw=b"{", key=key),
        api.post(TENANTS, raw=b"{}", content_type="text/plain", key=key),
        api.call("TRACE", TENANTS, key=key),
        api.get(TENANTS, key=key, x_tenant_id="nobody"),
        api.get(TENANTS, key=key, x_tenant_id=str(acme.id)),
        api.get(f"{TENANTS}/{acme.id}/export", key=key),
    ]
    assert [one.status for one in answers] == [200, 404, 422, 400, 415, 405, 403, 403, 200]
    first = left(answers[0])
    assert first is not None
    assert [left(one) for one in answers] == list(range(first, first - len(answers), -1))
    for one in answers:
        assert one.headers["RateLimit-Limit"] == "600"
        assert 0 < int(one.headers["RateLimit-Reset"]) <= 61


@override_settings(API_RPM=2)
def test_beyond_it_a_429_says_when_to_come_back(api: Api, workspace: Account) -> None:
    answers = [api.get(TENANTS, key=workspace.key) for _ in range(3)]
    assert [one.status for one in answers] == [200, 200, 429]
    refused = answers[-1]
    wait_s = refused.body["retryAfter"]
    assert 0 < wait_s <= 61
    assert refused.body["code"] == "rate_limited"
    assert refused.body["limit"] == 2
    told = {name: refused.headers[name] for name in {*NAMES, "Retry-After"}}
    assert told == {
        "RateLimit-Limit": "2",
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": str(wait_s),
        "Retry-After": str(wait_s),
    }


@override_settings(API_RPM=1)
def test_a_refused_call_did_nothing(api: Api, acme: Customer) -> None:
    key = acme.workspace.key
    assert api.get(TENANTS, key=key).status in {200, 429}
    assert api.post(f"{TENANTS}/{acme.id}/suspend", key=key).status == 429
    with override_settings(API_RPM=0):
        assert api.get(f"{TENANTS}/{acme.id}", key=key).body["status"] == "active"


@override_settings(API_RPM=1)
def test_one_key_spends_nothing_of_anothers(api: Api, acme: Customer, stranger: Customer) -> None:
    list_moves = "/api/v1/isolation/migrations"
    assert [api.get(list_moves, key=acme.key).status for _ in range(2)] == [200, 429]
    assert api.get(list_moves, key=stranger.key).status == 200


@override_settings(API_RPM=1)
def test_an_admin_pays_for_what_it_does_as_a_tenant(
    api: Api, workspace: Account, acme: Customer
) -> None:
    path = "/api/v1/isolation/migrations"
    statuses = [api.get(path, key=workspace.key, x_tenant_id=str(acme.id)).status for _ in range(2)]
    assert 429 in statuses
    assert api.get(path, key=acme.key).status == 200


@override_settings(API_RPM=1)
@pytest.mark.parametrize("page", ["metrics", "summary", "events"])
def test_usage_is_not_bound_by_it(api: Api, acme: Customer, page: str) -> None:
    answers = [api.get(f"/api/v1/usage/{page}", key=acme.key) for _ in range(3)]
    track: Any = {"metric": "api_call", "value": 1}
    answers += [api.post("/api/v1/usage/track", track, key=acme.key) for _ in range(3)]
    assert {one.status for one in answers} <= {200, 201, 503}
    assert {left(one) for one in answers} == {None}


@override_settings(API_RPM=1)
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/openapi.json", "/api/v1/nowhere"])
def test_what_needs_no_key_is_not_counted(api: Api, workspace: Account, path: str) -> None:
    assert [left(api.get(path, key=workspace.key)) for _ in range(3)] == [None] * 3


@override_settings(API_RPM=1)
def test_without_a_valid_key_there_is_nothing_to_count(api: Api) -> None:
    answers = [api.get(TENANTS) for _ in range(3)]
    assert [(one.status, left(one)) for one in answers] == [(401, None)] * 3


@override_settings(API_RPM=0)
def test_zero_is_no_limit(api: Api, workspace: Account) -> None:
    answers = [api.get(TENANTS, key=workspace.key) for _ in range(3)]
    assert [(one.status, left(one)) for one in answers] == [(200, None)] * 3
