"""The dashboard's rows, and the export of a tenant (B1, B12)."""

from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.dashboard import exporting, overview
from apps.dashboard.api.serializers import DashboardTenantSerializer
from apps.dashboard.exporting import Format
from tenlyr.core import errors, paging
from tenlyr.core.api import wire
from tenlyr.core.api.permissions import AdminKey
from tenlyr.core.api.schema import documented, page_parameters
from tenlyr.core.api.views import ApiView, next_page

LIMIT_MOST = 1_000
FORMATS = [one.value for one in Format]


class DashboardView(ApiView):
    """All tenants with everything about them, as an array (B1)."""

    permission_classes = [AdminKey]
    known_query = frozenset({"limit", "cursor"})

    @documented(
        "tenants.dashboard",
        response=DashboardTenantSerializer(many=True),
        parameters=page_parameters("Rows", default=LIMIT_MOST, most=LIMIT_MOST, is_array=True),
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        limit = paging.limit_of(query.get("limit"), default=LIMIT_MOST, most=LIMIT_MOST)
        page = overview.page(self.principal.workspace_id, limit=limit, cursor=query.get("cursor"))
        return Response(wire.camel_keys(page.rows), headers=next_page(request, page.next_cursor))


class ExportView(ApiView):
    """All that is held of a tenant, as a file (B12)."""

    permission_classes = [AdminKey]
    known_query = frozenset({"format"})

    @documented(
        "tenants.export",
        response={
            "application/json": OpenApiTypes.OBJECT,
            "text/csv": OpenApiTypes.BINARY,
            "application/zip": OpenApiTypes.BINARY,
        },
        parameters=[
            OpenApiParameter("format", OpenApiTypes.STR, enum=FORMATS, default=Format.JSON.value)
        ],
    )
    def get(self, request: Request, tenant_id: UUID) -> StreamingHttpResponse:
        wanted = request.query_params.get("format", Format.JSON)
        if wanted not in FORMATS:
            raise errors.invalid("format", "invalid_choice", f"One of {', '.join(FORMATS)}.")
        made = exporting.export(self.principal.workspace_id, tenant_id, Format(wanted))
        return StreamingHttpResponse(
            made.pieces,
            content_type=made.content_type,
            headers={"Content-Disposition": f'attachment; filename="{made.name}"'},
        )
