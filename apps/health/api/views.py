"""The health API: how tenants are, and the throttle for the one that is too loud (B20-B23)."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from apps.health import selectors
from apps.health.api import serializers
from apps.health.api.serializers import TenantHealthSerializer
from apps.tenants import public as tenants
from tenlyr.core import paging
from tenlyr.core.api.permissions import AdminKey
from tenlyr.core.api.schema import documented, page_parameters
from tenlyr.core.api.serializers import NoFieldsSerializer
from tenlyr.core.api.views import ApiView, next_page

LIMIT_MOST = 1_000
LIST_PARAMETERS = page_parameters("Tenants", default=LIMIT_MOST, most=LIMIT_MOST, is_array=True)


class HealthsView(ApiView):
    """How all tenants are, as an array (B21)."""

    permission_classes = [AdminKey]
    known_query = frozenset({"limit", "cursor"})

    @documented(
        "health.list", response=TenantHealthSerializer(many=True), parameters=LIST_PARAMETERS
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        limit = paging.limit_of(query.get("limit"), default=LIMIT_MOST, most=LIMIT_MOST)
        page = selectors.page(self.principal.workspace_id, limit=limit, cursor=query.get("cursor"))
        rows = [serializers.described(one) for one in page.rows]
        return Response(
            TenantHealthSerializer(rows, many=True).data,
            headers=next_page(request, page.next_cursor),
        )


class OverviewView(ApiView):
    """How many tenants are how (B20)."""

    permission_classes = [AdminKey]

    @documented("health.overview", response=serializers.OverviewSerializer)
    def get(self, request: Request) -> Response:
        found = selectors.overview(self.principal.workspace_id)
        return Response(serializers.OverviewSerializer(found).data)


class HealthView(ApiView):
    """How one tenant is (B21)."""

    permission_classes = [AdminKey]

    @documented("health.get", response=TenantHealthSerializer)
    def get(self, request: Request, tenant_id: UUID) -> Response:
        return Response(_shown(self.principal.workspace_id, tenant_id))


class ThrottleView(ApiView):
    """A tenant's throttle, in effect on every process within a second (A24)."""

    permission_classes = [AdminKey]

    @documented(
        "health.throttle",
        request=serializers.ThrottleSerializer,
        response=TenantHealthSerializer,
        idempotent=True,
    )
    def post(self, request: Request, tenant_id: UUID) -> Response:
        """Let the tenant track so many calls a minute, and no more (B22)."""
        data = self.read(serializers.ThrottleSerializer)
        return self.once(lambda: self._throttled(tenant_id, data["limit_rpm"]), body=data)

    @documented("health.removeThrottle", response=TenantHealthSerializer)
    def delete(self, request: Request, tenant_id: UUID) -> Response:
        """Let the tenant track as many calls as its plan allows (B23)."""
        self.read(NoFieldsSerializer)
        return Response(self._throttled(tenant_id, None))

    def _throttled(self, tenant_id: UUID, limit_rpm: int | None) -> dict[str, Any]:
        workspace_id = self.principal.workspace_id
        tenants.throttle(workspace_id=workspace_id, tenant_id=tenant_id, limit_rpm=limit_rpm)
        return _shown(workspace_id, tenant_id)


def _shown(workspace_id: UUID, tenant_id: UUID) -> dict[str, Any]:
    one = selectors.of(workspace_id, tenant_id)
    return dict(TenantHealthSerializer(serializers.described(one)).data)
