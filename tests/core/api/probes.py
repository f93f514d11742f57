"""A URL map of the tests' own: views that do what no product's view should, to see what comes out.

Put in place by the fixture `probes`; middleware, authentication and error handling are the real
ones.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import connection, transaction
from django.db.utils import IntegrityError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenlyr.core import context, errors
from tenlyr.core.api.permissions import AdminKey, AnyKey, TenantKey
from tenlyr.core.api.serializers import StrictCharField, StrictIntegerField, WireSerializer
from tenlyr.core.api.views import ApiView
from tenlyr.core.redis import RedisError
from tests.core import outages

SECRET_DETAIL = "the-detail-that-nobody-outside-may-read"  # looked for in answers, not a secret


def _too_slow() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 20")
        cursor.execute("SELECT pg_sleep(5)")


def _bad_sql() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {SECRET_DETAIL.replace('-', '_')}")


def _redis_away() -> None:
    from tenlyr.core import redis

    with outages.redis_away():
        redis.client().ping()


def _postgres_away() -> None:
    with outages.postgres_away(), connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _raise(error: BaseException) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


FAILURES: dict[str, Callable[[], None]] = {
    "ours": _raise(errors.Conflict("It is there already.", internal=SECRET_DETAIL)),
    "parse": _raise(exceptions.ParseError(SECRET_DETAIL)),
    "not-authenticated": _raise(exceptions.NotAuthenticated(SECRET_DETAIL)),
    "drf-denied": _raise(exceptions.PermissionDenied(SECRET_DETAIL)),
    "django-denied": _raise(PermissionDenied(SECRET_DETAIL)),
    "drf-not-found": _raise(exceptions.NotFound(SECRET_DETAIL)),
    "http404": _raise(Http404(SECRET_DETAIL)),
    "too-big": _raise(RequestDataTooBig(SECRET_DETAIL)),
    "media-type": _raise(exceptions.UnsupportedMediaType("text/plain")),
    "interface": _raise(InterfaceError(SECRET_DETAIL)),
    "pool": _raise(PoolTimeout(SECRET_DETAIL)),
    "redis": _raise(RedisError(SECRET_DETAIL)),
    "redis-away": _redis_away,
    "postgres-away": _postgres_away,
    "too-slow": _too_slow,
    "integrity": _raise(IntegrityError(SECRET_DETAIL)),
    "bad-sql": _bad_sql,
    "bug": _raise(ZeroDivisionError(SECRET_DETAIL)),
}


class Fail(APIView):
    """A REST view in which something goes wrong."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request, kind: str) -> Response:
        FAILURES[kind]()
        return Response({})


def plain_fail(request: HttpRequest, kind: str) -> HttpResponse:
    """The same outside REST framework."""
    FAILURES[kind]()
    return HttpResponse()


class Letter(WireSerializer):
    """The body of `Echo`."""

    line = StrictCharField(max_length=20)
    copy_count = StrictIntegerField(required=False)


class Echo(ApiView):
    """Answers with what it read and who sent it."""

    permission_classes = [AnyKey]
    known_query = frozenset({"limit"})
    runs: list[Any] = []

    def get(self, request: Request) -> Response:
        here, caller = context.current(), self.principal
        return Response(
            {
                "address": here.address,
                "userAgent": here.user_agent,
                "actor": f"{here.actor_type} {here.actor_id}",
                "kind": caller.kind,
                "workspaceId": caller.workspace_id,
                "tenantId": caller.tenant_id,
                "actingAs": caller.acting_as,
                "limit": request.query_params.get("limit"),
            }
        )

    def post(self, request: Request) -> Response:
        body = self.read(Letter)

        def run() -> Any:
            self.runs.append(body)
            return {"line": body["line"], "run": len(self.runs)}

        return self.once(run, body=body, status=201)


class AdminOnly(ApiView):
    """For a workspace's admin key."""

    permission_classes = [AdminKey]

    def get(self, request: Request) -> Response:
        return Response({})


class TenantOnly(ApiView):
    """For a tenant's key."""

    permission_classes = [TenantKey]

    def get(self, request: Request) -> Response:
        return Response({"tenantId": self.principal.tenant})


class Undeclared(ApiView):
    """A view whose author forgot to say who may call it."""

    def get(self, request: Request) -> Response:
        return Response({})


urlpatterns = [
    path("", include("tenlyr.urls")),  # the cast is made through the real API
    path("api/fail/<str:kind>", Fail.as_view()),
    path("plain-fail/<str:kind>", plain_fail),
    path("api/echo", Echo.as_view()),
    path("api/admin-only", AdminOnly.as_view()),
    path("api/tenant-only", TenantOnly.as_view()),
    path("api/undeclared", Undeclared.as_view()),
]
handler400 = "tenlyr.core.api.handler.bad_request"
handler403 = "tenlyr.core.api.handler.forbidden"
handler404 = "tenlyr.core.api.handler.not_found"
handler500 = "tenlyr.core.api.handler.server_error"
