"""What the views of webhooks share: who asks, and for which of it."""

from datetime import datetime
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from apps.webhooks.api import serializers
from apps.webhooks.selectors import Filter, Owner
from tenlyr.core import errors
from tenlyr.core.api.permissions import AnyKey
from tenlyr.core.api.schema import page_parameters
from tenlyr.core.api.serializers import CANONICAL_ID, moment
from tenlyr.core.api.views import ApiView

LIMIT_DEFAULT, LIMIT_MOST = 50, 100
PAGE_PARAMETERS = page_parameters("Rows", default=LIMIT_DEFAULT, most=LIMIT_MOST)
TENANT = OpenApiParameter(
    "tenantId",
    OpenApiTypes.UUID,
    description="Only this tenant's, with an admin key; a tenant's key sees its own anyway.",
)
ENDPOINT_PARAMETERS = [*PAGE_PARAMETERS, TENANT]
DELIVERY_PARAMETERS = [
    *PAGE_PARAMETERS,
    OpenApiParameter("endpointId", OpenApiTypes.UUID),
    OpenApiParameter("status", OpenApiTypes.STR, enum=serializers.DELIVERY_STATUSES),
    OpenApiParameter("type", OpenApiTypes.STR, enum=serializers.TYPES),
    OpenApiParameter(
        "tenantId",
        OpenApiTypes.UUID,
        description="Only of events about this tenant; with an admin key.",
    ),
    OpenApiParameter("since", OpenApiTypes.DATETIME, description="Of events from then on."),
    OpenApiParameter("until", OpenApiTypes.DATETIME, description="Of events before then."),
]


class WebhooksView(ApiView):
    """A tenant's key manages and sees what is the tenant's own, an admin's all of the workspace."""

    permission_classes = [AnyKey]

    def owner(self, named: UUID | None = None) -> Owner:
        """Whose endpoints the caller means; raises 422 when a tenant's key names a tenant."""
        principal = self.principal
        if principal.is_admin:
            return Owner(principal.workspace_id, named)
        if named is not None:
            raise errors.invalid("tenantId", "unknown_field", "The key names the tenant.")
        return Owner(principal.workspace_id, principal.tenant)

    def named_tenant(self, request: Request) -> UUID | None:
        """The tenant in the query, which only an admin's key may name."""
        named = _id(request, "tenantId")
        self.owner(named)
        return named

    def filter(self, request: Request) -> Filter:
        """Which deliveries are asked for."""
        return Filter(
            endpoint_id=_id(request, "endpointId"),
            status=_choice(request, "status", serializers.DELIVERY_STATUSES),
            type=_choice(request, "type", serializers.TYPES),
            tenant_id=self.named_tenant(request),
            since=_moment(request, "since"),
            until=_moment(request, "until"),
        )


def _id(request: Request, name: str) -> UUID | None:
    raw = request.query_params.get(name)
    if raw is None:
        return None
    if not CANONICAL_ID.fullmatch(raw):
        raise errors.invalid(name, "invalid", "Must be a valid UUID.")
    return UUID(raw)


def _choice(request: Request, name: str, choices: list[str]) -> str | None:
    raw = request.query_params.get(name)
    if raw is not None and raw not in choices:
        raise errors.invalid(name, "invalid_choice", f"One of {', '.join(choices)}.")
    return raw


def _moment(request: Request, name: str) -> datetime | None:
    raw = request.query_params.get(name)
    found = None if raw is None else moment(raw)
    if raw is not None and found is None:
        raise errors.invalid(name, "invalid", "Must be a moment such as 2026-11-21T04:05:06Z.")
    return found
