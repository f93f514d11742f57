"""The same under Django, sync and async, with a stack of its own."""

import asyncio
from typing import Any

import django
import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from fake_api import FakeApi
from replaying import KEYS
from serving import TENANTS, page

from tenlyr import TenlyrSync
from tenlyr.middleware import Tenancy, current_tenant, header
from tenlyr.middleware.django import TenantMiddleware


class OurMiddleware(TenantMiddleware):
    tenancy = Tenancy(header(), TENANTS.get)


def answer(request: HttpRequest) -> HttpResponse:
    status, text = page(request.path)
    assert request.tenant == current_tenant()  # type: ignore[attr-defined]
    return HttpResponse(text, status=status)


async def answer_async(request: HttpRequest) -> HttpResponse:
    return answer(request)


urlpatterns = [
    path("", answer),
    path("reports", answer),
    path("broken", answer),
    path("async/reports", answer_async),
]

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["testserver"],
        MIDDLEWARE=[f"{__name__}.OurMiddleware"],
        ROOT_URLCONF=__name__,
        SECRET_KEY="tests only",
    )
    django.setup()


def get(kind: str, at: str, tenant: str) -> Any:
    if kind == "sync":
        return Client().get(at, headers={"X-Tenant-ID": tenant})
    return asyncio.run(_get(at, tenant))


async def _get(at: str, tenant: str) -> Any:
    return await AsyncClient().get(at, headers={"X-Tenant-ID": tenant})


both = pytest.mark.parametrize("kind", ["sync", "async"])


@both
def test_the_tenant_is_there(kind: str) -> None:
    response = get(kind, "/", "acme")
    assert (response.status_code, response.content) == (200, b"acme")


@both
@pytest.mark.parametrize(
    ("slug", "at", "status", "code"),
    [
        ("nobody", "/", 404, "tenant_not_found"),
        ("late", "/", 403, "tenant_suspended"),
        ("gone", "/", 403, "tenant_inactive"),
        ("low", "/reports", 403, "plan_required"),
        ("low", "/async/reports", 403, "plan_required"),
    ],
)
def test_refusals(kind: str, slug: str, at: str, status: int, code: str) -> None:
    response = get(kind, at, slug)
    assert (response.status_code, response.json()["code"]) == (status, code)


@both
def test_every_response_is_counted(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeApi() as fake:
        fake.tell("usage.trackBatch", {"results": []})
        with TenlyrSync(KEYS["$ADMIN"], base_url=fake.url) as client:
            tenancy = Tenancy(header(), TENANTS.get, track=client.usage.buffer())
            monkeypatch.setattr(OurMiddleware, "tenancy", tenancy)
            for at in ("/", "/broken"):
                get(kind, at, "acme")
    told = [event for one in fake.asked for event in one.body]
    assert [(one["endpoint"], one["statusCode"]) for one in told] == [("/", 200), ("/broken", 503)]
