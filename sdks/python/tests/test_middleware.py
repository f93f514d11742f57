"""Tenants of requests: seven ways to name one, checks, counting, and the four refusals."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any, Optional

import pytest
from fake_api import FakeApi
from replaying import KEYS
from serving import TENANTS, Ask, ask_asgi, ask_wsgi

from tenlyr import Tenlyr, TenlyrSync
from tenlyr.middleware import (
    CurrentTenant,
    QuotaExceededError,
    RequestView,
    Tenancy,
    TenantNotFoundError,
    Used,
    check_quotas,
    current_tenant,
    custom,
    custom_domain,
    enforce_quota,
    header,
    jwt,
    path,
    query,
    require_active,
    requires,
    subdomain,
    usage_by,
)
from tenlyr.middleware._cache import Cache

SECRET = "a secret of the operator's"
frameworks = pytest.mark.parametrize("ask", [ask_asgi, ask_wsgi], ids=["asgi", "wsgi"])


def token(claims: Any, key: str = SECRET, alg: str = "HS256") -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    head = part(json.dumps({"alg": alg}).encode()) + "." + part(json.dumps(claims).encode())
    return head + "." + part(hmac.new(key.encode(), head.encode(), hashlib.sha256).digest())


def request(
    host: str = "app.example.com", at: str = "/", query: Any = None, headers: Any = None
) -> RequestView:
    return RequestView("GET", host, at, query or {}, headers or {})


def bearer(text: str) -> RequestView:
    return request(headers={"authorization": f"Bearer {text}"})


DOMAINS = {"app.acme.com": "acme"}
RESOLVED = [
    (subdomain("app.example.com"), request("Acme.app.example.com:8000"), "acme"),
    (subdomain("app.example.com"), request("app.example.com"), None),
    (subdomain("app.example.com"), request("a.b.app.example.com"), None),
    (subdomain("app.example.com"), request("acme.app.example.com.evil.example"), None),
    (subdomain("app.example.com"), request("acmeapp.example.com"), None),
    (custom_domain(DOMAINS.get), request("APP.acme.com."), "acme"),
    (custom_domain(DOMAINS.get), request("app.globex.com"), None),
    (path(), request(at="/t/acme/invoices"), "acme"),
    (path("/tenants/"), request(at="/tenants/ac%20me"), "ac me"),
    (path(), request(at="/t/"), None),
    (path(), request(at="/teams/acme"), None),
    (header(), request(headers={"x-tenant-id": "acme"}), "acme"),
    (header("X-Customer"), request(headers={"x-customer": "acme"}), "acme"),
    (header(), request(), None),
    (query(), request(query={"tenant": "acme"}), "acme"),
    (query("customer"), request(query={"tenant": "acme"}), None),
    (jwt(secret=SECRET), bearer(token({"tenant_id": "acme", "exp": time.time() + 600})), "acme"),
    (jwt("org", secret=SECRET), bearer(token({"org": "acme"})), "acme"),
    (jwt(secret=SECRET), bearer(token({"tenant_id": "acme"}, key="another")), None),
    (jwt(secret=SECRET), bearer(token({"tenant_id": "acme"}, alg="none")), None),
    (jwt(secret=SECRET), bearer(token({"tenant_id": "acme", "exp": time.time() - 1})), None),
    (jwt(secret=SECRET), bearer(token({"tenant_id": "acme", "nbf": time.time() + 600})), None),
    (jwt(secret=SECRET), bearer(token({"tenant_id": "acme", "exp": "soon"})), None),
    (jwt(secret=SECRET), bearer(token({"tenant_id": 7})), None),
    (jwt(secret=SECRET), bearer("nonsense"), None),
    (jwt(secret=SECRET), bearer("a.b.c"), None),
    (jwt(secret=SECRET), request(), None),
    (jwt(decode=lambda text: {"tenant_id": text}), bearer("acme"), "acme"),
    (custom(lambda view: view.path[1:]), request(at="/acme"), "acme"),
]


@pytest.mark.parametrize(("resolve", "view", "slug"), RESOLVED)
def test_what_a_request_names(resolve: Any, view: RequestView, slug: Optional[str]) -> None:
    assert resolve(view) == slug


def test_a_token_wants_one_way_to_check_it() -> None:
    with pytest.raises(ValueError, match="secret or decode"):
        jwt()


@frameworks
def test_the_tenant_is_there_for_the_whole_request(ask: Ask) -> None:
    tenancy = Tenancy([header(), subdomain("app.example.com")], TENANTS.get)
    assert ask(tenancy, "http://acme.app.example.com/") == (200, "acme")
    assert ask(tenancy, "http://x/", {"X-Tenant-ID": "low"}) == (200, "low")
    with pytest.raises(TenantNotFoundError):
        current_tenant()


@frameworks
@pytest.mark.parametrize(
    ("slug", "at", "status", "code"),
    [
        ("nobody", "/", 404, "tenant_not_found"),
        ("", "/", 404, "tenant_not_found"),
        ("late", "/", 403, "tenant_suspended"),
        ("gone", "/", 403, "tenant_inactive"),
        ("low", "/reports", 403, "plan_required"),
    ],
)
def test_refusals(ask: Ask, slug: str, at: str, status: int, code: str) -> None:
    told = ask(Tenancy(header(), TENANTS.get), f"http://x{at}", {"X-Tenant-ID": slug})
    assert (told.status, told.body["code"], told.body["statusCode"]) == (status, code, status)
    assert {"message", "error"} < set(told.body)


@frameworks
def test_a_view_behind_a_plan(ask: Ask) -> None:
    told = ask(Tenancy(header(), TENANTS.get), "http://x/reports", {"X-Tenant-ID": "acme"})
    assert told == (200, "reports of acme")


@frameworks
def test_a_quota_that_is_used_up(ask: Ask) -> None:
    asked: list[str] = []

    def usage(tenant: CurrentTenant) -> Used:
        asked.append(tenant.slug)
        return Used(5, 5 if tenant.slug == "low" else 6)

    tenancy = Tenancy(
        header(), TENANTS.get, checks=[require_active, enforce_quota("api_call", usage)]
    )
    acme = {"X-Tenant-ID": "acme"}
    assert [ask(tenancy, "http://x/", acme).status for _ in range(3)] == [200] * 3
    told = ask(tenancy, "http://x/", {"X-Tenant-ID": "low"})
    assert (told.status, told.body["code"]) == (429, "quota_exceeded")
    assert told.body["error"] == told.body["message"] == "Plan limit reached"
    assert (told.body["quota"], told.body["limit"], told.body["current"]) == ("api_call", 5, 5)
    assert asked == ["acme", "low"]


@frameworks
def test_lookups_are_kept_for_a_while(ask: Ask) -> None:
    asked: list[str] = []

    def lookup(slug: str) -> Optional[CurrentTenant]:
        asked.append(slug)
        return TENANTS.get(slug)

    tenancy = Tenancy(header(), lookup)
    for _ in range(3):
        ask(tenancy, "http://x/", {"X-Tenant-ID": "acme"})
    tenancy.forget("acme")
    ask(tenancy, "http://x/", {"X-Tenant-ID": "acme"})
    assert asked == ["acme", "acme"]


@frameworks
def test_requests_of_nobody(ask: Ask) -> None:
    skipping = Tenancy(header(), TENANTS.get, skip=lambda view: view.path == "/broken")
    assert ask(skipping, "http://x/broken") == (503, "broken")
    optional = Tenancy(header(), TENANTS.get, optional=True)
    assert ask(optional, "http://x/broken") == (503, "broken")


@frameworks
def test_every_response_is_counted_with_its_status(ask: Ask) -> None:
    with FakeApi() as fake:
        fake.tell("usage.trackBatch", {"results": []})
        with TenlyrSync(KEYS["$ADMIN"], base_url=fake.url) as client:
            buffer = client.usage.buffer(when_full="drop")
            tenancy = Tenancy(header(), TENANTS.get, track=buffer)
            ask(tenancy, "http://x/invoices", {"X-Tenant-ID": "acme"})
            ask(tenancy, "http://x/broken", {"X-Tenant-ID": "acme"})
            ask(tenancy, "http://x/reports", {"X-Tenant-ID": "low"})
            ask(tenancy, "http://x/", {"X-Tenant-ID": "nobody"})
    told = [(one.key, event) for one in fake.asked for event in one.body]
    seen = {(key, event["endpoint"], event["statusCode"]) for key, event in told}
    assert seen == {
        (KEYS["$TENANT"], "/invoices", 200),
        (KEYS["$TENANT"], "/broken", 503),
        (KEYS["$OTHER_TENANT"], "/reports", 403),
    }
    assert all(event["metric"] == "api_call" and event["latencyMs"] >= 0 for _, event in told)


def test_an_async_lookup_and_quota_under_asgi() -> None:
    async def lookup(slug: str) -> Optional[CurrentTenant]:
        return TENANTS.get(slug)

    async def usage(tenant: CurrentTenant) -> Used:
        return Used(7, 7)

    tenancy = Tenancy(header(), lookup, checks=[enforce_quota("seats", usage)])
    assert ask_asgi(tenancy, "http://x/", {"X-Tenant-ID": "acme"}).status == 429
    elsewhere = Tenancy(header(), lookup)
    with pytest.raises(TypeError, match="async"):
        ask_wsgi(elsewhere, "http://x/", {"X-Tenant-ID": "acme"})


def test_quotas_in_code() -> None:
    check_quotas({"api_call": 10, "seats": 3}, {"api_call": 9})
    with pytest.raises(QuotaExceededError) as raised:
        check_quotas({"api_call": 10, "seats": 3}, {"seats": 3})
    assert (raised.value.quota, raised.value.limit, raised.value.current) == ("seats", 3, 3)


def test_usage_as_tenlyr_counts_it() -> None:
    with FakeApi() as fake:
        standing = {"api_call": {"used": 8, "limit": 9}, "seats": {"used": 1, "limit": None}}
        fake.tell("usage.summary", {"metrics": standing})
        with TenlyrSync(KEYS["$ADMIN"], base_url=fake.url) as client:
            assert usage_by(client, "api_call")(TENANTS["acme"]) == (8, 9)
            assert usage_by(client, "seats")(TENANTS["acme"]) == (1, None)

        async def ask_async() -> Any:
            async with Tenlyr(KEYS["$ADMIN"], base_url=fake.url) as client:
                later: Any = usage_by(client, "api_call")(TENANTS["acme"])
                return await later

        assert asyncio.run(ask_async()) == (8, 9)
    assert {one.key for one in fake.asked} == {KEYS["$TENANT"]}


def test_an_async_view_behind_a_check() -> None:
    @requires(require_active)
    async def view() -> str:
        return current_tenant().slug

    with pytest.raises(TenantNotFoundError):
        asyncio.run(view())


def test_the_cache_forgets_in_time_and_number() -> None:
    now = [0.0]
    cache: Cache[int] = Cache(10, size=2, clock=lambda: now[0])
    cache.put("a", 1)
    assert cache.get("a") == 1
    now[0] = 10
    assert cache.get("a") is None
    for name in "bcd":
        cache.put(name, 1)
    assert [cache.get(name) for name in "bcd"] == [None, 1, 1]


def test_a_tenants_key_does_not_show() -> None:
    assert KEYS["$TENANT"] not in repr(TENANTS["acme"])
