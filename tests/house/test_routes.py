"""No route escapes: each refuses what it must, with the status of X62 and the error shape (Done 7).

The URL map is walked; a route that nobody declared in `routes.py` fails here.
"""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
from django.test import override_settings

from tenlyr.core import keys
from tenlyr.core.keys import Kind
from tests import cast
from tests.cast import Answer, Api, Customer
from tests.core.conftest import address  # noqa: F401 - a fixture
from tests.dataplane.plane import with_tables
from tests.house.planting import planted, uproot_endpoints, with_an_endpoint
from tests.house.routes import (
    ADMIN_SITE,
    METHODS,
    OPERATIONS,
    PUBLIC,
    Operation,
    Scope,
    methods_of,
    paths_of,
)

FIELDS = {"message", "error", "statusCode", "code", "detail", "requestId"}


def each(*operations: Operation) -> pytest.MarkDecorator:
    """The test for each of some operations."""
    return pytest.mark.parametrize("operation", operations, ids=lambda one: one.name)


EVERY = each(*OPERATIONS)
WITH_BODY = each(*[one for one in OPERATIONS if one.has_body])
WITH_FIELDS = each(*[one for one in OPERATIONS if one.has_body and not one.is_batch])
WITH_ID = each(*[one for one in OPERATIONS if one.has_id])
OF_TENANTS = each(*[one for one in OPERATIONS if one.scope in {Scope.TENANT, Scope.ANY}])
OF_ADMINS = each(*[one for one in OPERATIONS if one.scope is Scope.ADMIN])


@pytest.fixture(scope="module")
def victim(_database: None) -> Customer:
    """A tenant that all calls are about, on a plan that would let it do everything."""
    return with_tables(planted(cast.tenant(cast.workspace(), "Victim", plan="enterprise")))


@pytest.fixture(scope="module")
def foreigner(_database: None) -> Customer:
    """A tenant of another workspace."""
    return planted(cast.tenant(cast.workspace(), "Foreigner", plan="enterprise"))


@pytest.fixture(scope="module", autouse=True)
def _loopback_receivers(_database: None) -> Iterator[None]:
    """Endpoints may be on this machine, where nobody listens."""
    with override_settings(EGRESS_ALLOW_LOOPBACK=True):
        yield
    uproot_endpoints()


@pytest.fixture
def client(api: Api, address: str) -> Api:  # noqa: F811 - the fixture above
    """A client at an address of its own: nobody else's failed attempts are counted on it."""
    api._client.defaults["REMOTE_ADDR"] = address
    return api


@pytest.fixture(scope="module", autouse=True)
def nothing_happened(victim: Customer, foreigner: Customer) -> Iterator[None]:
    """Whatever was refused changed nothing: both tenants are as they were (T11)."""
    before = [seen(victim), seen(foreigner)]
    yield
    assert [seen(victim), seen(foreigner)] == before


def seen(customer: Customer) -> Any:
    """A tenant as its operator and itself see it."""
    shown = Api().get(f"/api/v1/tenants/{customer.id}", key=customer.workspace.key)
    used = Api().get("/api/v1/usage/metrics", key=customer.key)
    assert (shown.status, used.status) == (200, 200)
    # A month may begin while the tests of this file run.
    return {**shown.body, "lastActiveAt": None}, {**used.body, "period": None}


def right_key(operation: Operation, customer: Customer) -> str:
    """The key that opens an operation."""
    return customer.workspace.key if operation.scope is Scope.ADMIN else customer.key


def call(client: Api, operation: Operation, customer: Customer, **more: Any) -> Answer:
    """The operation as it should be called, with what the test changes."""
    path = more.pop("path", operation.at(customer.id))
    if "raw" not in more:
        more.setdefault("body", operation.body)
    more.setdefault("key", right_key(operation, customer))
    return client.call(more.pop("method", operation.method), path, **more)


def refused(answer: Answer, status: int, code: str) -> Any:
    """Assert an error of our shape, whole; its body."""
    assert (answer.status, answer.body["code"]) == (status, code)
    assert set(answer.body) >= FIELDS
    assert answer.body["statusCode"] == status
    assert answer.body["error"] == HTTPStatus(status).phrase
    assert answer.body["message"] == answer.body["detail"] != ""
    assert answer.body["requestId"] == answer.headers["X-Request-Id"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    return answer.body


class TestInventory:
    def test_every_route_is_declared_public_or_guarded(self) -> None:
        declared = {(one.path, one.method) for one in OPERATIONS}
        for path, view in paths_of():
            if path in PUBLIC:
                continue
            answered = methods_of(view) - {"HEAD", "OPTIONS"}
            assert answered == {method for known, method in declared if known == path}, path

    def test_nothing_is_declared_that_is_not_there(self) -> None:
        there = {path for path, _ in paths_of()}
        assert {one.path for one in OPERATIONS} | set(PUBLIC) == there

    def test_the_admin_site_asks_for_a_login(self, client: Api) -> None:
        for page in ("", "workspaces/adminkey/", "tenants/tenant/", "workspaces/operator/1/"):
            answer = client.get(f"{ADMIN_SITE}{page}")
            assert answer.status == 302
            assert answer.headers["Location"].startswith("/admin/login/?next=")

    @pytest.mark.parametrize("path", PUBLIC)
    def test_what_is_public_answers_without_a_key(self, client: Api, path: str) -> None:
        assert client.get(path).status in {200, 503}

    @pytest.mark.parametrize(
        "path",
        [
            "/.env",
            "/metrics",
            "/api",
            "/api/v1",
            "/api/v1/",
            "/api/v2/tenants",
            "/api/v1/tenants/",
            "/API/v1/tenants",
            "//api/v1/tenants",
            "/api/v1/tenants;x",
            "/api/v1/tenants%00",
            "/api/v1/%2e%2e/tenants",
            "/api/v1/usage/track/",
            "/schema",
            "/static/%2e%2e/settings.py",
        ],
    )
    def test_a_path_on_no_map_is_a_404(self, client: Api, path: str, victim: Customer) -> None:
        refused(client.get(path, key=victim.workspace.key), 404, "not_found")


@EVERY
class TestWho:
    def test_no_key(self, client: Api, operation: Operation, victim: Customer) -> None:
        refused(call(client, operation, victim, key=None), 401, "invalid_key")

    def test_wrong_key(self, client: Api, operation: Operation, victim: Customer) -> None:
        kind = Kind.ADMIN if operation.scope is Scope.ADMIN else Kind.TENANT
        unknown = keys.generate(kind)
        first = refused(call(client, operation, victim, key=unknown), 401, "invalid_key")
        spoilt = f"{right_key(operation, victim)[:-1]}_"
        second = refused(call(client, operation, victim, key=spoilt), 401, "invalid_key")
        assert {**first, "requestId": ""} == {**second, "requestId": ""}

    def test_wrong_scope(self, client: Api, operation: Operation, victim: Customer) -> None:
        if operation.scope is Scope.ANY:
            for own in (victim.key, victim.workspace.key):
                assert call(client, operation, victim, key=own).status not in {401, 403}
                with_an_endpoint(victim)  # what it deleted
            return
        other = victim.key if operation.scope is Scope.ADMIN else victim.workspace.key
        refused(call(client, operation, victim, key=other), 403, "insufficient_scope")

    def test_foreign_tenant_header(
        self, client: Api, operation: Operation, victim: Customer, foreigner: Customer
    ) -> None:
        for named in (str(foreigner.id), str(uuid4()), "nobody"):
            answer = call(client, operation, victim, x_tenant_id=named)
            refused(answer, 403, "cross_tenant_violation")


@WITH_ID
class TestForeignTenant:
    def test_a_foreign_one_looks_like_none(
        self, client: Api, operation: Operation, victim: Customer, foreigner: Customer
    ) -> None:
        bodies = []
        for other in (foreigner.id, uuid4()):
            answer = call(client, operation, victim, path=operation.at(other))
            bodies.append({**refused(answer, 404, "not_found"), "requestId": ""})
        assert bodies[0] == bodies[1]

    @pytest.mark.parametrize("spoil", [str.upper, lambda raw: raw[:-1], lambda raw: f"{raw}%00"])
    def test_an_id_that_is_none(
        self, client: Api, operation: Operation, victim: Customer, spoil: Any
    ) -> None:
        answer = call(client, operation, victim, path=operation.at(spoil(str(victim.id))))
        refused(answer, 404, "not_found")


@OF_TENANTS
def test_a_tenant_named_in_query_or_body_counts_for_nothing(
    client: Api, operation: Operation, victim: Customer, foreigner: Customer
) -> None:
    """T13: the usage is that of the key's tenant, whoever else is named."""
    path = f"{operation.at(victim.id)}?tenantId={foreigner.id}"
    refused(call(client, operation, victim, path=path), 422, "invalid_request")
    if operation.has_body and not operation.is_batch:
        body = {**operation.body, "tenantId": str(foreigner.id)}
        refused(call(client, operation, victim, body=body), 422, "invalid_request")


@WITH_BODY
class TestBody:
    @pytest.mark.parametrize(
        "raw",
        [
            b"{",
            b"nonsense",
            b"{'a': 1}",
            b"\xff\xfe",
            '{"a": 1}'.encode("utf-16"),
            b"\xef\xbb\xbf{}",
            b'{"name": "\x00"}',
            b"\x00",
            b'[{"a": NaN}]',
            b"[" * 50_000,
            b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        ],
        ids=[
            "cut",
            "no json",
            "quotes",
            "not utf-8",
            "utf-16",
            "bom",
            "raw nul",
            "nul",
            "nan",
            "deep",
            "deep objects",
        ],
    )
    def test_malformed(
        self, client: Api, operation: Operation, victim: Customer, raw: bytes
    ) -> None:
        answer = call(client, operation, victim, raw=raw)
        if operation.is_batch and raw in {b"[" * 50_000, b'[{"a": NaN}]'}:
            assert answer.status in {200, 400}  # a bad event is refused in its place
        elif operation.is_batch and raw.startswith((b'{"name', b'{"a":' * 2)):
            assert answer.status in {400, 422}
        else:
            refused(answer, 400, "malformed_json")

    @pytest.mark.parametrize("raw", [b"null", b"7", b'"text"', b"true"])
    def test_json_of_another_kind(
        self, client: Api, operation: Operation, victim: Customer, raw: bytes
    ) -> None:
        refused(call(client, operation, victim, raw=raw), 422, "invalid_request")

    @pytest.mark.parametrize(
        "content_type",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/json; charset=latin-1",
            "application/jsonx",
            "",
        ],
    )
    def test_not_json(
        self, client: Api, operation: Operation, victim: Customer, content_type: str
    ) -> None:
        raw = json.dumps(operation.body).encode() or b"{}"
        answer = call(client, operation, victim, raw=raw, content_type=content_type)
        refused(answer, 415, "unsupported_media_type")

    def test_oversize(self, client: Api, operation: Operation, victim: Customer) -> None:
        raw = b" " * (operation.most_bytes + 1)
        refused(call(client, operation, victim, raw=raw), 413, "body_too_large")


@WITH_FIELDS
class TestFields:
    def test_unknown(self, client: Api, operation: Operation, victim: Customer) -> None:
        for name in ("surprise", "workspaceId", "status", "createdAt", "owner_email", "tenant"):
            body = {**operation.body, name: "x"}
            shown = refused(call(client, operation, victim, body=body), 422, "invalid_request")
            assert {"field": name, "code": "unknown_field"}.items() <= shown["errors"][0].items()

    def test_named_twice(self, client: Api, operation: Operation, victim: Customer) -> None:
        raw = b'{"metric": "api_call", "metric": "api_call", "value": 1}'
        refused(call(client, operation, victim, raw=raw), 400, "malformed_json")

    def test_nul_in_every_text(self, client: Api, operation: Operation, victim: Customer) -> None:
        texts = [name for name, value in operation.body.items() if isinstance(value, str)]
        for name in texts:
            body = {**operation.body, name: f"{operation.body[name]}\x00"}
            shown = refused(call(client, operation, victim, body=body), 422, "invalid_request")
            assert name in {one["field"] for one in shown["errors"]}

    def test_a_list_is_no_object(self, client: Api, operation: Operation, victim: Customer) -> None:
        answer = call(client, operation, victim, raw=b"[]")
        refused(answer, 422, "invalid_request")


@EVERY
class TestHow:
    def test_another_method(self, client: Api, operation: Operation, victim: Customer) -> None:
        allowed = {one.method for one in OPERATIONS if one.path == operation.path}
        allowed |= {"HEAD"} if "GET" in allowed else set()
        for method in METHODS:
            if method in allowed:
                continue
            answer = call(client, operation, victim, method=method, body=None)
            if method != "HEAD":
                refused(answer, 405, "method_not_allowed")
            query = "&".join(f"{name}=1" for name in sorted(operation.query))
            path = f"{operation.at(victim.id)}?{query}"
            answer = call(client, operation, victim, method=method, body=None, path=path)
            assert answer.status == 405
            assert operation.method in answer.headers["Allow"]

    def test_another_method_by_a_header(
        self, client: Api, operation: Operation, victim: Customer
    ) -> None:
        """B10: no header changes the method."""
        if operation.method != "GET":
            return
        answer = call(client, operation, victim, x_http_method_override="DELETE")
        assert answer.status == operation.answers

    def test_unknown_query(self, client: Api, operation: Operation, victim: Customer) -> None:
        path = f"{operation.at(victim.id)}?surprise=1"
        shown = refused(call(client, operation, victim, path=path), 422, "invalid_request")
        assert shown["errors"][0] == {
            "field": "surprise",
            "code": "unknown_field",
            "message": "Unknown query parameter.",
        }

    def test_the_query_of_the_list_beside_it(
        self, client: Api, operation: Operation, victim: Customer
    ) -> None:
        lists = [one for one in OPERATIONS if one.path == operation.path and one.query]
        for name in sorted(set().union(*[one.query for one in lists]) - operation.query):
            path = f"{operation.at(victim.id)}?{name}=1"
            shown = refused(call(client, operation, victim, path=path), 422, "invalid_request")
            assert shown["errors"][0]["field"] == name

    def test_nul_and_repeats_in_known_query(
        self, client: Api, operation: Operation, victim: Customer
    ) -> None:
        for name in operation.query:
            for query in (f"{name}=%00", f"{name}=a&{name}=a", f"{name}=%ff%0d%0a"):
                path = f"{operation.at(victim.id)}?{query}"
                answer = call(client, operation, victim, path=path)
                assert answer.status in {400, 422}
                refused(answer, answer.status, answer.body["code"])

    def test_a_cursor_of_ones_own(
        self, client: Api, operation: Operation, victim: Customer
    ) -> None:
        if "cursor" not in operation.query:
            return
        path = f"{operation.at(victim.id)}?cursor=abc"
        refused(call(client, operation, victim, path=path), 400, "invalid_cursor")

    def test_a_bad_idempotency_key(
        self, client: Api, operation: Operation, victim: Customer
    ) -> None:
        if operation.method != "POST":
            return
        for key in ("", "x" * 256, "caf\xe9"):
            answer = call(client, operation, victim, idempotency_key=key)
            refused(answer, 400, "invalid_idempotency_key")

    def test_a_host_that_is_not_ours(
        self, client: Api, operation: Operation, victim: Customer
    ) -> None:
        refused(call(client, operation, victim, host="evil.example"), 400, "refused")
