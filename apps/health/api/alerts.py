"""The alerts API: raise one, look, resolve (B25, X29). A tenant's key reaches its own only."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.health import alert_selectors as selectors
from apps.health import alerting
from apps.health.api import alerts_serializers as serializers
from apps.health.models import LONGEST_TYPE, Alert, AlertStatus, Severity
from tenlyr.core import errors, paging
from tenlyr.core.api.permissions import AdminKey, AnyKey
from tenlyr.core.api.schema import PLAIN_TEXT, documented, page_parameters
from tenlyr.core.api.serializers import CANONICAL_ID, NoFieldsSerializer
from tenlyr.core.api.views import ApiView, next_page

LIMIT_DEFAULT, LIMIT_MOST = 100, 1_000
NARROWED = [
    *page_parameters("Alerts", default=LIMIT_DEFAULT, most=LIMIT_MOST, is_array=True),
    OpenApiParameter("severity", OpenApiTypes.STR, enum=serializers.SEVERITIES),
    OpenApiParameter("type", {**PLAIN_TEXT, "maxLength": LONGEST_TYPE}),
    OpenApiParameter(
        "tenantId",
        OpenApiTypes.UUID,
        description="Only this tenant's, with an admin key; a tenant's key sees its own anyway.",
    ),
]


def shown(alert: Alert) -> dict[str, Any]:
    """An alert in the wire's form."""
    return dict(serializers.AlertSerializer(alert).data)


class AlertView(ApiView):
    """What the views of alerts share."""

    permission_classes = [AnyKey]

    @property
    def only(self) -> UUID | None:
        """The tenant whose alerts the caller may reach; None for all of the workspace."""
        return None if self.principal.is_admin else self.principal.tenant

    def listed(self, request: Request, status: AlertStatus | None) -> Response:
        """A page as an array, with the way to the next in its headers."""
        query = request.query_params
        page = selectors.page(
            self.principal.workspace_id,
            self._filter(request, status),
            limit=paging.limit_of(query.get("limit"), default=LIMIT_DEFAULT, most=LIMIT_MOST),
            cursor=query.get("cursor"),
        )
        headers = next_page(request, page.next_cursor)
        return Response([shown(alert) for alert in page.rows], headers=headers)

    def _filter(self, request: Request, status: AlertStatus | None) -> selectors.Filter:
        query = request.query_params
        severity, kind = query.get("severity"), query.get("type")
        if severity is not None and severity not in serializers.SEVERITIES:
            raise errors.invalid("severity", "invalid_choice", f"One of {', '.join(Severity)}.")
        if kind is not None and len(kind) > LONGEST_TYPE:
            raise errors.invalid("type", "max_length", f"At most {LONGEST_TYPE} characters.")
        return selectors.Filter(
            self.only,
            self._tenant(query.get("tenantId")),
            status,
            None if severity is None else Severity(severity),
            kind,
        )

    def _tenant(self, named: str | None) -> UUID | None:
        if named is None:
            return None
        if self.only is not None:
            raise errors.invalid("tenantId", "unknown_field", "The key names the tenant.")
        if not CANONICAL_ID.fullmatch(named):
            raise errors.invalid("tenantId", "invalid", "Must be a valid UUID.")
        return UUID(named)


class AlertsView(AlertView):
    """The alerts of the workspace, or of the tenant whose key asks, as an array."""

    known_query = frozenset({"limit", "cursor", "severity", "type", "tenantId", "status"})

    def get_permissions(self) -> list[Any]:
        return [AdminKey()] if self.request.method == "POST" else [AnyKey()]

    @documented(
        "alerts.list",
        response=serializers.AlertSerializer(many=True),
        parameters=[
            *NARROWED,
            OpenApiParameter("status", OpenApiTypes.STR, enum=serializers.STATUSES),
        ],
    )
    def get(self, request: Request) -> Response:
        status = request.query_params.get("status")
        if status is not None and status not in serializers.STATUSES:
            raise errors.invalid("status", "invalid_choice", f"One of {', '.join(AlertStatus)}.")
        return self.listed(request, None if status is None else AlertStatus(status))

    @documented(
        "alerts.create",
        request=serializers.CreateAlertSerializer,
        response=serializers.AlertSerializer,
        status=201,
        idempotent=True,
    )
    def post(self, request: Request) -> Response:
        data = self.read(serializers.CreateAlertSerializer)
        said = {("kind" if name == "type" else name): value for name, value in data.items()}
        workspace_id = self.principal.workspace_id
        return self.once(
            lambda: shown(alerting.create(workspace_id=workspace_id, **said)),
            body=data,
            status=201,
        )


class UnresolvedView(AlertView):
    """Those that are open."""

    known_query = frozenset({"limit", "cursor", "severity", "type", "tenantId"})

    @documented(
        "alerts.unresolved",
        response=serializers.AlertSerializer(many=True),
        parameters=NARROWED,
    )
    def get(self, request: Request) -> Response:
        return self.listed(request, AlertStatus.OPEN)


class OneAlertView(AlertView):
    """One alert."""

    @documented("alerts.get", response=serializers.AlertSerializer)
    def get(self, request: Request, alert_id: UUID) -> Response:
        found = selectors.get(self.principal.workspace_id, alert_id, tenant_id=self.only)
        return Response(shown(found))


class ResolveView(AlertView):
    """Resolve one alert; one that is resolved already stays as it is."""

    @documented(
        "alerts.resolve",
        request=NoFieldsSerializer,
        response=serializers.AlertSerializer,
        idempotent=True,
    )
    def post(self, request: Request, alert_id: UUID) -> Response:
        self.read(NoFieldsSerializer)
        workspace_id, only = self.principal.workspace_id, self.only
        return self.once(
            lambda: shown(
                alerting.resolve(workspace_id=workspace_id, alert_id=alert_id, tenant_id=only)
            )
        )


class ResolveAllView(AlertView):
    """Resolve whatever is open."""

    @documented(
        "alerts.resolveAll",
        request=NoFieldsSerializer,
        response=serializers.ResolvedSerializer,
        idempotent=True,
    )
    def post(self, request: Request) -> Response:
        self.read(NoFieldsSerializer)
        workspace_id, only = self.principal.workspace_id, self.only
        return self.once(
            lambda: {"resolved": alerting.resolve_all(workspace_id=workspace_id, tenant_id=only)}
        )
