"""The tenants API: each view reads the request, calls one verb and shows the tenant (B2-B11)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.tenants import lifecycle, moving, provisioning, selectors
from apps.tenants.api import moves, serializers
from apps.tenants.api.moves_serializers import CreatedTenantSerializer
from apps.tenants.models import LONGEST_EMAIL, Tenant
from apps.tenants.plans import TenantPlan
from apps.tenants.states import Status
from tenlyr.core import errors, paging
from tenlyr.core.api.permissions import AdminKey
from tenlyr.core.api.schema import CURSOR, PLAIN_TEXT, documented
from tenlyr.core.api.serializers import NoFieldsSerializer
from tenlyr.core.api.views import ApiView
from tenlyr.core.keys import Kind
from tenlyr.core.stored_key import mint

LIMIT_DEFAULT, LIMIT_MOST = 50, 100
LIST_PARAMETERS = [
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "default": LIMIT_DEFAULT},
        description=f"Tenants per page; more than {LIMIT_MOST} means {LIMIT_MOST}.",
    ),
    OpenApiParameter("cursor", CURSOR, description="`nextCursor` of the page before."),
    OpenApiParameter(
        "ownerEmail",
        {**PLAIN_TEXT, "maxLength": LONGEST_EMAIL},
        description="Only the tenant with this address, whatever its case.",
    ),
    OpenApiParameter("status", OpenApiTypes.STR, enum=serializers.STATUSES),
    OpenApiParameter("plan", OpenApiTypes.STR, enum=serializers.PLANS),
]


def shown(tenant: Tenant) -> dict[str, Any]:
    """A tenant in the wire's form."""
    if not tenant.isolation_level:
        selectors.placed([tenant])
    return dict(serializers.TenantSerializer(tenant).data)


class TenantsView(ApiView):
    """All tenants of the workspace."""

    permission_classes = [AdminKey]
    known_query = frozenset({"limit", "cursor", "ownerEmail", "status", "plan"})

    @documented(
        "tenants.list", response=serializers.TenantPageSerializer, parameters=LIST_PARAMETERS
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        page = selectors.page(
            self.principal.workspace_id,
            _filter(request),
            route="tenants",
            limit=paging.limit_of(query.get("limit"), default=LIMIT_DEFAULT, most=LIMIT_MOST),
            cursor=query.get("cursor"),
        )
        found = {"data": page.rows, "next_cursor": page.next_cursor}
        return Response(serializers.TenantPageSerializer(found).data)

    @documented(
        "tenants.create",
        request=serializers.CreateTenantSerializer,
        response=CreatedTenantSerializer,
        status=201,
        idempotent=True,
    )
    def post(self, request: Request) -> Response:
        data = self.read(serializers.CreateTenantSerializer)
        # Before any transaction opens: a slow hash that was not made ahead takes its time.
        minted = mint(Kind.TENANT)

        def run() -> dict[str, Any]:
            tenant = provisioning.provision(
                workspace_id=self.principal.workspace_id,
                name=data["name"],
                owner_email=data["owner_email"],
                plan=data["plan"],
                region=data["region"],
                level=data["isolation_level"],
                minted=minted,
            )
            answer = {"tenant": shown(tenant), "apiKey": minted.raw}
            if tenant.isolation_level != data["isolation_level"]:
                answer["migration"] = moves.shown(moving.newest(tenant))
            return answer

        return self.once(run, body=data, status=201, holds_secret=True)


class TenantView(ApiView):
    """One tenant of the workspace."""

    permission_classes = [AdminKey]

    @documented("tenants.get", response=serializers.TenantSerializer)
    def get(self, request: Request, tenant_id: UUID) -> Response:
        return Response(shown(selectors.get(self.principal.workspace_id, tenant_id)))

    @documented(
        "tenants.update",
        request=serializers.UpdateTenantSerializer,
        response=serializers.TenantSerializer,
    )
    def patch(self, request: Request, tenant_id: UUID) -> Response:
        data = self.read(serializers.UpdateTenantSerializer)
        workspace_id = self.principal.workspace_id
        return Response(
            shown(lifecycle.update(workspace_id=workspace_id, tenant_id=tenant_id, **data))
        )

    @documented("tenants.delete", status=204)
    def delete(self, request: Request, tenant_id: UUID) -> Response:
        self.read(NoFieldsSerializer)
        lifecycle.delete(workspace_id=self.principal.workspace_id, tenant_id=tenant_id)
        return Response(status=204)


class SuspendView(ApiView):
    """Block a tenant."""

    permission_classes = [AdminKey]

    @documented(
        "tenants.suspend",
        request=serializers.SuspendTenantSerializer,
        response=serializers.TenantSerializer,
        idempotent=True,
    )
    def post(self, request: Request, tenant_id: UUID) -> Response:
        data = self.read(serializers.SuspendTenantSerializer)
        workspace_id = self.principal.workspace_id
        return self.once(
            lambda: shown(
                lifecycle.suspend(workspace_id=workspace_id, tenant_id=tenant_id, **data)
            ),
            body=data,
        )


class ReactivateView(ApiView):
    """Give a suspended tenant its access back."""

    permission_classes = [AdminKey]

    @documented(
        "tenants.reactivate",
        request=NoFieldsSerializer,
        response=serializers.TenantSerializer,
        idempotent=True,
    )
    def post(self, request: Request, tenant_id: UUID) -> Response:
        self.read(NoFieldsSerializer)
        workspace_id = self.principal.workspace_id
        return self.once(
            lambda: shown(lifecycle.reactivate(workspace_id=workspace_id, tenant_id=tenant_id))
        )


class TerminateView(ApiView):
    """End a tenant for good."""

    permission_classes = [AdminKey]

    @documented(
        "tenants.terminate",
        request=NoFieldsSerializer,
        response=serializers.TenantSerializer,
        idempotent=True,
    )
    def post(self, request: Request, tenant_id: UUID) -> Response:
        self.read(NoFieldsSerializer)
        workspace_id = self.principal.workspace_id
        return self.once(
            lambda: shown(lifecycle.terminate(workspace_id=workspace_id, tenant_id=tenant_id))
        )


class RotateKeyView(ApiView):
    """Give a tenant a new key."""

    permission_classes = [AdminKey]

    @documented(
        "tenants.rotateApiKey",
        request=serializers.RotateKeySerializer,
        response=serializers.TenantWithKeySerializer,
        idempotent=True,
    )
    def post(self, request: Request, tenant_id: UUID) -> Response:
        data = self.read(serializers.RotateKeySerializer)
        workspace_id = self.principal.workspace_id
        minted = mint(Kind.TENANT)

        def run() -> dict[str, Any]:
            tenant = lifecycle.rotate_key(
                workspace_id=workspace_id,
                tenant_id=tenant_id,
                minted=minted,
                grace=timedelta(seconds=data["grace_period_seconds"]),
            )
            return {"tenant": shown(tenant), "apiKey": minted.raw}

        return self.once(run, body=data, holds_secret=True)


class PlanView(ApiView):
    """A tenant's plan; both verbs do the same (X16)."""

    permission_classes = [AdminKey]

    @documented(
        "tenants.changePlan",
        request=serializers.ChangePlanSerializer,
        response=serializers.TenantSerializer,
    )
    def patch(self, request: Request, tenant_id: UUID) -> Response:
        return self._change(tenant_id)

    @documented(
        "tenants.setPlan",
        request=serializers.ChangePlanSerializer,
        response=serializers.TenantSerializer,
    )
    def put(self, request: Request, tenant_id: UUID) -> Response:
        return self._change(tenant_id)

    def _change(self, tenant_id: UUID) -> Response:
        data = self.read(serializers.ChangePlanSerializer)
        tenant = lifecycle.change_plan(
            workspace_id=self.principal.workspace_id, tenant_id=tenant_id, plan=data["plan"]
        )
        return Response(shown(tenant))


def _filter(request: Request) -> selectors.Filter:
    query = request.query_params
    owner_email, status, plan = (query.get(name) for name in ("ownerEmail", "status", "plan"))
    if owner_email is not None and len(owner_email) > LONGEST_EMAIL:
        raise errors.invalid("ownerEmail", "max_length", f"At most {LONGEST_EMAIL} characters.")
    if status is not None and status not in serializers.STATUSES:
        raise errors.invalid("status", "invalid_choice", f"One of {', '.join(Status)}.")
    if plan is not None and plan not in serializers.PLANS:
        raise errors.invalid("plan", "invalid_choice", f"One of {', '.join(TenantPlan)}.")
    return selectors.Filter(
        owner_email,
        None if status is None else Status(status),
        None if plan is None else TenantPlan(plan),
    )
