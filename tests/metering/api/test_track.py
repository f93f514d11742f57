"""`usage.track`: POST /api/v1/usage/track on the lane.

Rows A15-A18, B13, X2, X5, X7, X14, X18, X19, X23, X62.
"""

import io
import json
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction

from apps.tenants import lifecycle
from apps.tenants.models import Tenant
from apps.tenants.plans import TenantPlan
from tenlyr.core import clock, epochs
from tests import cast
from tests.cast import Account, Api, Customer
from tests.core import outages
from tests.metering.api.support import CALL, TRACK, Answered, ask, assert_refused, environ
from tests.metering.support import store


def track(tenant: Customer, sent: Any = CALL, **more: Any) -> Answered:
    return ask(TRACK, sent, tenant.key, **more)


class Test201:
    def test_the_event(self, acme: Customer) -> None:
        answer = track(acme, {**CALL, "value": 3, "endpoint": "/v1/things"})
        assert answer.status == 201
        assert list(answer.body) == ["id", "tenantId", "metric", "value", "endpoint", "timestamp"]
        assert UUID(answer.body["id"]).version == 7
        assert answer.body["tenantId"] == str(acme.id)
        assert (answer.body["metric"], answer.body["value"]) == ("api_call", 3)
        assert answer.body["endpoint"] == "/v1/things"
        age = clock.now() - datetime.fromisoformat(answer.body["timestamp"])
        assert abs(age.total_seconds()) < 60

    def test_what_was_given_comes_back(self, acme: Customer) -> None:
        sent = {
            "metric": "storage_gb",
            "value": 2.4,
            "endpoint": None,
            "timestamp": clock.iso(clock.now()),
            "id": str(uuid4()),
            "mode": "set",
            "statusCode": 503,
            "success": False,
            "latencyMs": 17,
        }
        expected = {**sent, "tenantId": str(acme.id), "billable": False}
        assert track(acme, sent).body == expected

    def test_headers(self, acme: Customer) -> None:
        answer = track(acme, HTTP_X_REQUEST_ID="my-request_1")
        assert answer.headers["X-Request-Id"] == "my-request_1"
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Length"] == str(len(answer.content))
        assert "Idempotent-Replayed" not in answer.headers

    def test_a_request_id_that_is_not_plain_is_replaced(self, acme: Customer) -> None:
        answer = track(acme, HTTP_X_REQUEST_ID="a b\r\nX-Evil: 1")
        assert answer.headers["X-Request-Id"].startswith("req_")

    def test_the_key_may_come_as_x_api_key(self, acme: Customer) -> None:
        assert ask(TRACK, CALL, HTTP_X_API_KEY=acme.key).status == 201

    def test_x_tenant_id_may_name_the_tenant_itself(self, acme: Customer) -> None:
        assert track(acme, HTTP_X_TENANT_ID=str(acme.id)).status == 201

    def test_an_idempotency_key_is_the_event_s_id(self, acme: Customer) -> None:
        first = track(acme, HTTP_IDEMPOTENCY_KEY="order 17")
        again = track(acme, {**CALL, "value": 9}, HTTP_IDEMPOTENCY_KEY="order 17")
        assert first.body["id"] == str(uuid5(acme.id, "order 17"))
        assert (again.status, again.content) == (201, first.content)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert Api().get("/api/v1/usage/metrics", key=acme.key).body["apiCalls"] == 1

    def test_a_body_without_its_length(self, acme: Customer) -> None:
        """Chunked: the length is known at the end only."""
        assert track(acme, CONTENT_LENGTH=None).status == 201
        assert track(acme, CONTENT_LENGTH="").status == 201

    def test_a_content_type_with_its_charset(self, acme: Customer) -> None:
        for value in ('application/json; charset="UTF-8"', "Application/JSON;charset=utf8"):
            assert track(acme, CONTENT_TYPE=value).status == 201

    def test_a_dedicated_schema(self, globex: Customer) -> None:
        assert track(globex).status == 201


class Test400:
    def test_the_plan_s_limit(self, workspace: Account) -> None:
        tenant = cast.tenant(workspace, plan="starter")
        assert track(tenant, {**CALL, "value": 999}).status == 201
        refused = track(tenant, {**CALL, "value": 2})
        assert_refused(refused, 400, "plan_limit_exceeded")
        assert refused.body["metric"] == "api_call"
        assert (refused.body["limit"], refused.body["current"]) == (1000, 999)
        assert refused.body["resetAt"].endswith("-01T00:00:00.000Z")
        assert track(tenant).status == 201
        assert_refused(track(tenant), 400, "plan_limit_exceeded")

    def test_an_upgrade_opens_it_at_once(self, workspace: Account) -> None:
        tenant = cast.tenant(workspace, plan="starter")
        track(tenant, {**CALL, "value": 1000})
        assert_refused(track(tenant), 400, "plan_limit_exceeded")
        lifecycle.change_plan(
            workspace_id=workspace.id, tenant_id=tenant.id, plan=TenantPlan.GROWTH
        )
        assert track(tenant).status == 201

    def test_only_calls_refuse_by_default(self, workspace: Account) -> None:
        """X14."""
        tenant = cast.tenant(workspace, plan="starter")
        for metric in ("storage_gb", "seats", "compute"):
            assert track(tenant, {"metric": metric, "value": 100_000}).status == 201

    def test_below_zero(self, acme: Customer) -> None:
        sent = {"metric": "seats", "value": 1, "mode": "decrement"}
        assert_refused(track(acme, sent), 400, "usage_below_zero")

    def test_malformed_json(self, acme: Customer) -> None:
        for content in (b"", b"{", b"\xff", b'{"metric":"seats","value":1,"value":2}'):
            assert_refused(track(acme, content), 400, "malformed_json")

    def test_a_body_that_ends_early(self, acme: Customer) -> None:
        assert_refused(track(acme, CONTENT_LENGTH="999"), 400, "malformed_json")

    @pytest.mark.parametrize("length", ["x", "-1", "1e3", "\u00b2", "9" * 5000])
    def test_a_length_that_is_none(self, acme: Customer, length: str) -> None:
        assert_refused(track(acme, CONTENT_LENGTH=length), 400, "malformed_json")

    @pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "\u00fc"])
    def test_an_idempotency_key_that_is_none(self, acme: Customer, key: str) -> None:
        answer = track(acme, HTTP_IDEMPOTENCY_KEY=key)
        assert_refused(answer, 400, "invalid_idempotency_key")

    def test_another_s_host(self, acme: Customer) -> None:
        assert_refused(track(acme, HTTP_HOST="evil.example"), 400, "refused")
        assert_refused(track(acme, HTTP_HOST="localhost:8000:1"), 400, "refused")


class Test401:
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"HTTP_AUTHORIZATION": "Bearer "},
            {"HTTP_AUTHORIZATION": "Bearer tenlyr_live_nonsense"},
            {"HTTP_AUTHORIZATION": "Basic dGVubHly"},
            {"HTTP_AUTHORIZATION": "Bearer " + "x" * 100_000},
            {"HTTP_X_API_KEY": "\u00ff"},
        ],
    )
    def test_no_key(self, headers: dict[str, str]) -> None:
        answer = ask(TRACK, CALL, **headers)
        assert_refused(answer, 401, "invalid_key")
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_whatever_else_is_wrong(self) -> None:
        answer = ask(TRACK, b"{", REQUEST_METHOD="PUT", CONTENT_TYPE="text/plain")
        assert_refused(answer, 401, "invalid_key")

    def test_a_suspended_and_a_terminated_tenant(self, acme: Customer) -> None:
        where = {"workspace_id": acme.workspace.id, "tenant_id": acme.id}
        lifecycle.suspend(**where, reason="unpaid")
        assert_refused(track(acme), 401, "tenant_suspended")
        lifecycle.reactivate(**where)
        assert track(acme).status == 201
        lifecycle.terminate(**where)
        assert_refused(track(acme), 401, "tenant_terminated")


class Test403:
    def test_an_admin_s_key(self, workspace: Account, acme: Customer) -> None:
        """A18: not even for a tenant of its own."""
        assert_refused(ask(TRACK, CALL, workspace.key), 403, "insufficient_scope")
        acting = ask(TRACK, CALL, workspace.key, HTTP_X_TENANT_ID=str(acme.id))
        assert_refused(acting, 403, "insufficient_scope")

    @pytest.mark.parametrize("name", ["", "nonsense", str(uuid4())])
    def test_another_tenant(self, acme: Customer, stranger: Customer, name: str) -> None:
        refused = track(acme, HTTP_X_TENANT_ID=name or str(stranger.id))
        assert_refused(refused, 403, "cross_tenant_violation")


class Test405:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
    def test_only_post(self, acme: Customer, method: str) -> None:
        answer = track(acme, REQUEST_METHOD=method)
        assert_refused(answer, 405, "method_not_allowed")
        assert answer.headers["Allow"] == "POST"


class Test413:
    def test_more_than_a_mebibyte(self, acme: Customer) -> None:
        content = json.dumps({**CALL, "endpoint": "x" * (1 << 20)}).encode()
        assert_refused(track(acme, content), 413, "body_too_large")
        assert_refused(track(acme, content, CONTENT_LENGTH=None), 413, "body_too_large")

    def test_is_read_no_further_than_needed(self, acme: Customer) -> None:
        endless = io.BytesIO(b" " * (3 << 20))
        answer = ask(TRACK, b"", acme.key, CONTENT_LENGTH=None, **{"wsgi.input": endless})
        assert_refused(answer, 413, "body_too_large")
        assert endless.tell() <= (1 << 20) + 65_536, "one more part than fits"


class Test415:
    @pytest.mark.parametrize(
        "value",
        [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json;charset=latin-1",
            "application/x-ndjson",
        ],
    )
    def test_no_json(self, acme: Customer, value: str) -> None:
        assert_refused(track(acme, CONTENT_TYPE=value), 415, "unsupported_media_type")


class Test422:
    @pytest.mark.parametrize(
        ("sent", "field", "code"),
        [
            ({"metric": "api_call"}, "value", "required"),
            ({**CALL, "value": 0}, "value", "out_of_range"),
            ({**CALL, "tenantId": "x"}, "tenantId", "unknown_field"),
            ({**CALL, "endpoint": "a\0b"}, "endpoint", "not_plain"),
            ([], "", "not_an_object"),
        ],
    )
    def test_wrong_fields(self, acme: Customer, sent: Any, field: str, code: str) -> None:
        answer = track(acme, sent)
        assert_refused(answer, 422, "invalid_request")
        (only,) = answer.body["errors"]
        assert (only["field"], only["code"]) == (field, code)

    def test_query_parameters(self, acme: Customer) -> None:
        answer = track(acme, QUERY_STRING="verbose=1&x")
        assert_refused(answer, 422, "invalid_request")
        assert answer.body["errors"][0]["field"] == "verbose"


LIMIT_HEADERS = ("Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset")


class Test429:
    def test_a_throttled_tenant(self, acme: Customer) -> None:
        with transaction.atomic():
            Tenant.objects.filter(pk=acme.id).update(limit_rpm=1)
            epochs.raise_epoch(acme.id)
        assert track(acme).status == 201
        answer = track(acme)
        assert_refused(answer, 429, "rate_limited")
        wait_s = answer.body["retryAfter"]
        assert 0 < wait_s <= 60
        told = {name: answer.headers.get(name) for name in ("Retry-After", *LIMIT_HEADERS)}
        assert told == dict(zip(told, [str(wait_s), "1", "0", str(wait_s)], strict=True))


class Test503:
    def test_redis_away(self, acme: Customer) -> None:
        track(acme)
        with outages.redis_away():
            answer = track(acme)
        assert_refused(answer, 503, "unavailable")
        assert answer.headers["Retry-After"] == "1"
        assert track(acme).status == 201


REQUESTS: list[dict[str, Any]] = [
    {"sent": CALL, "HTTP_IDEMPOTENCY_KEY": "one"},
    {"sent": {**CALL, "id": "two", "statusCode": 500, "latencyMs": 1.5}},
    {"sent": {**CALL, "value": 0}},
    {"sent": b"{"},
    {"sent": {**CALL, "more": 1}},
    {"sent": CALL, "CONTENT_TYPE": "text/plain"},
    {"sent": CALL, "REQUEST_METHOD": "DELETE"},
    {"sent": CALL, "HTTP_X_TENANT_ID": str(uuid4())},
    {"sent": CALL, "HTTP_AUTHORIZATION": "Bearer nonsense"},
    {"sent": CALL, "QUERY_STRING": "a=1"},
]


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
def test_the_url_map_answers_alike(acme: Customer, request_: dict[str, Any]) -> None:
    """The lane and the same route through Django: status, headers and body, to the byte."""
    given = {"key": acme.key, "HTTP_X_REQUEST_ID": "same", **request_}
    sent = given.pop("sent")
    content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    first = ask(TRACK, sent, **given)
    second = ask(TRACK, sent, **given)
    started: list[Any] = []
    body = b"".join(
        WSGIHandler()(environ(TRACK, content, **given), lambda *args, **_: started.append(args[:2]))
    )
    ((line, headers),) = started
    assert int(line.split()[0]) == second.status == first.status
    assert body == second.content
    assert {name.title(): value for name, value in headers} == {
        name.title(): value for name, value in second.headers.items()
    }


def test_an_accepted_event_is_stored(acme: Customer) -> None:
    made = track(acme, {**CALL, "endpoint": "/stored"}).body
    store()
    assert Api().get("/api/v1/usage/events", key=acme.key).body == [made]
