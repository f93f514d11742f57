"""The moves API: start one, look at it, take it back (B17-B19, X4, X55)."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apps.isolation.public import Move
from apps.tenants import moving
from apps.tenants.api import moves_serializers as serializers
from tenlyr.core import errors, paging
from tenlyr.core.api.permissions import AdminKey, AnyKey
from tenlyr.core.api.schema import CURSOR, documented
from tenlyr.core.api.serializers import CANONICAL_ID, NoFieldsSerializer
from tenlyr.core.api.views import ApiView, next_page

LIMIT_DEFAULT, LIMIT_MOST = 100, 1_000
LIST_PARAMETERS = [
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "default": LIMIT_DEFAULT},
        description=f"Migrations per answer; more than {LIMIT_MOST} means {LIMIT_MOST}.",
    ),
    OpenApiParameter(
        "cursor",
        CURSOR,
        description="`X-Next-Cursor` of the answer before; the last one has none.",
    ),
    OpenApiParameter("status", OpenApiTypes.STR, enum=serializers.STATUSES),
    OpenApiParameter(
        "tenantId",
        OpenApiTypes.UUID,
        description="Only this tenant's, with an admin key; a tenant's key sees its own anyway.",
    ),
]


def shown(move: Move, *, is_admin: bool = False) -> dict[str, Any]:
    """A move in the wire's form; why it failed in full for an admin key only."""
    found = moving.describe(move, is_admin=is_admin)
    return dict(serializers.MigrationSerializer(found).data)


class MoveView(ApiView):
    """What the views of moves share."""

    @property
    def only(self) -> UUID | None:
        """The tenant whose moves the caller may see; None for all of the workspace."""
        return None if self.principal.is_admin else self.principal.tenant


class MigrateView(MoveView):
    """Move a tenant up."""

    permission_classes = [AdminKey]

    @documented(
        "isolation.migrate",
        request=serializers.MigrateSerializer,
        response=serializers.MigrationSerializer,
        status=201,
        idempotent=True,
    )
    def post(self, request: Request) -> Response:
        data = self.read(serializers.MigrateSerializer)
        workspace_id = self.principal.workspace_id
        return self.once(
            lambda: shown(
                moving.start(
                    workspace_id=workspace_id,
                    tenant_id=data["tenant_id"],
                    target=data["target_level"],
                )
            ),
            body=data,
            status=201,
        )


class MigrationsView(MoveView):
    """The moves of the workspace, or of the tenant whose key asks, as an array (B19)."""

    permission_classes = [AnyKey]
    known_query = frozenset({"limit", "cursor", "status", "tenantId"})

    @documented(
        "isolation.migrations",
        response=serializers.MigrationSerializer(many=True),
        parameters=LIST_PARAMETERS,
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        limit = paging.limit_of(query.get("limit"), default=LIMIT_DEFAULT, most=LIMIT_MOST)
        which = self._filter(request)
        page = moving.page(
            self.principal.workspace_id, which, limit=limit, cursor=query.get("cursor")
        )
        found = moving.describe_all(page.rows, is_admin=self.principal.is_admin)
        return Response(
            serializers.MigrationSerializer(found, many=True).data,
            headers=next_page(request, page.next_cursor),
        )

    def _filter(self, request: Request) -> moving.Filter:
        query = request.query_params
        status, named = query.get("status"), query.get("tenantId")
        if named is not None and self.only is not None:
            raise errors.invalid("tenantId", "unknown_field", "The key names the tenant.")
        if named is not None and not CANONICAL_ID.fullmatch(named):
            raise errors.invalid("tenantId", "invalid", "Must be a valid UUID.")
        if status is not None and status not in serializers.STATUSES:
            raise errors.invalid(
                "status", "invalid_choice", f"One of {', '.join(serializers.STATUSES)}."
            )
        return moving.Filter(UUID(named) if named is not None else self.only, status)


class MigrationView(MoveView):
    """One move (X4: an admin key, or the key of the tenant that moves)."""

    permission_classes = [AnyKey]

    @documented("isolation.getMigration", response=serializers.MigrationSerializer)
    def get(self, request: Request, migration_id: UUID) -> Response:
        move = moving.get(self.principal.workspace_id, migration_id, tenant_id=self.only)
        return Response(shown(move, is_admin=self.principal.is_admin))


class RollbackView(MoveView):
    """Take a completed move back, as long as the old place is kept."""

    permission_classes = [AdminKey]

    @documented(
        "isolation.rollback",
        request=NoFieldsSerializer,
        response=serializers.MigrationSerializer,
        status=201,
        idempotent=True,
    )
    def post(self, request: Request, migration_id: UUID) -> Response:
        self.read(NoFieldsSerializer)
        workspace_id = self.principal.workspace_id
        return self.once(
            lambda: shown(moving.roll_back(workspace_id=workspace_id, move_id=migration_id)),
            status=201,
        )
