"""The data plane's API: release tables, look at releases, connect as a tenant."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.dataplane import connecting, logins, releasing, selectors
from apps.dataplane.api import serializers
from apps.dataplane.models import Release
from tenlyr.core import errors, paging
from tenlyr.core.api.permissions import AdminKey, AnyKey
from tenlyr.core.api.schema import CURSOR, documented
from tenlyr.core.api.serializers import CANONICAL_ID
from tenlyr.core.api.views import ApiView

LIMIT_DEFAULT, LIMIT_MOST = 50, 100
TENANT = OpenApiParameter(
    "tenantId",
    OpenApiTypes.UUID,
    description="Which tenant, with an admin key; a tenant's key sees its own anyway.",
)
LIST_PARAMETERS = [
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "default": LIMIT_DEFAULT},
        description=f"Releases per page; more than {LIMIT_MOST} means {LIMIT_MOST}.",
    ),
    OpenApiParameter("cursor", CURSOR, description="`nextCursor` of the page before."),
]


def shown(release: Release) -> dict[str, Any]:
    """A release in the wire's form."""
    return dict(serializers.ReleaseSerializer(release).data)


class ReleasesView(ApiView):
    """The workspace's releases."""

    permission_classes = [AdminKey]
    known_query = frozenset({"limit", "cursor"})

    @documented(
        "dataplane.list", response=serializers.ReleasePageSerializer, parameters=LIST_PARAMETERS
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        page = selectors.page(
            self.principal.workspace_id,
            limit=paging.limit_of(query.get("limit"), default=LIMIT_DEFAULT, most=LIMIT_MOST),
            cursor=query.get("cursor"),
        )
        found = {"data": page.rows, "next_cursor": page.next_cursor}
        return Response(serializers.ReleasePageSerializer(found).data)

    @documented(
        "dataplane.publish",
        request=serializers.PublishSerializer,
        response=serializers.ReleaseSerializer,
        status=201,
        idempotent=True,
    )
    def post(self, request: Request) -> Response:
        data = self.read(serializers.PublishSerializer)
        workspace_id = self.principal.workspace_id
        return self.once(
            lambda: shown(releasing.publish(workspace_id=workspace_id, **data)),
            body=data,
            status=201,
        )


class ReleaseView(ApiView):
    """One release."""

    permission_classes = [AdminKey]

    @documented("dataplane.get", response=serializers.ReleaseSerializer)
    def get(self, request: Request, version: int) -> Response:
        return Response(shown(selectors.release(self.principal.workspace_id, version)))


class TenantView(ApiView):
    """What the views of one tenant share: a tenant's key names it, an admin's does not."""

    permission_classes = [AnyKey]

    def tenant_of(self, named: UUID | None) -> UUID:
        """The tenant that is meant; raises 422 when both name one, or neither."""
        if not self.principal.is_admin:
            if named is not None:
                raise errors.invalid("tenantId", "unknown_field", "The key names the tenant.")
            return self.principal.tenant
        if named is None:
            raise errors.invalid("tenantId", "required", "Say which tenant, or send X-Tenant-ID.")
        return named


class ConnectionView(TenantView):
    """Where a tenant's rows are."""

    known_query = frozenset({"tenantId"})

    @documented(
        "isolation.connection", response=serializers.ConnectionSerializer, parameters=[TENANT]
    )
    def get(self, request: Request) -> Response:
        raw = request.query_params.get("tenantId")
        tenant_id = self.tenant_of(_uuid(raw) if raw is not None else None)
        found = connecting.of(self.principal.workspace_id, tenant_id)
        return Response(serializers.ConnectionSerializer(found).data)


class CredentialsView(TenantView):
    """A tenant's credentials."""

    @documented(
        "isolation.createCredential",
        request=serializers.CredentialRequestSerializer,
        response=serializers.NewCredentialSerializer,
        status=201,
        idempotent=True,
    )
    def post(self, request: Request) -> Response:
        data = self.read(serializers.CredentialRequestSerializer)
        tenant_id = self.tenant_of(data.get("tenant_id"))
        ttl_s = data.get("ttl_seconds")

        def run() -> dict[str, Any]:
            workspace_id = self.principal.workspace_id
            made = logins.make(
                workspace_id=workspace_id,
                tenant_id=tenant_id,
                ttl=timedelta(seconds=ttl_s) if ttl_s else None,
            )
            return _new(made, connecting.of(workspace_id, tenant_id))

        return self.once(run, body=data, status=201, holds_secret=True)


class CredentialView(TenantView):
    """One credential."""

    @documented("isolation.endCredential", status=204)
    def delete(self, request: Request, credential_id: UUID) -> Response:
        principal = self.principal
        logins.end(
            workspace_id=principal.workspace_id,
            tenant_id=None if principal.is_admin else principal.tenant,
            login_id=credential_id,
        )
        return Response(status=204)


def _new(made: logins.Made, where: connecting.Connection) -> dict[str, Any]:
    place = {name: getattr(where, name) for name in ("host", "port", "database", "schema")}
    login = {name: getattr(made.login, name) for name in ("id", "role", "expires_at", "created_at")}
    answer = {**login, **place, "password": made.password}
    return dict(serializers.NewCredentialSerializer(answer).data)


def _uuid(raw: str) -> UUID:
    if not CANONICAL_ID.fullmatch(raw):
        raise errors.invalid("tenantId", "invalid", "Must be a valid UUID.")
    return UUID(raw)
