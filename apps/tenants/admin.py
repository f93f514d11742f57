"""Tenants in the Django admin: to read, to suspend, to move, to publish a plan."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.isolation.public import Level, Move, why_failed
from apps.tenants import catalogue, lifecycle, moving, selectors
from apps.tenants.models import DeletionCertificate, PlanVersion, Tenant
from apps.tenants.plans import TenantPlan
from tenlyr.core.admin import ReadOnly, sign


@admin.register(Tenant)
class TenantAdmin(ReadOnly):
    """Tenants to look at; what is done to them goes through the same verbs as the API's."""

    list_display = ("name", "owner_email", "workspace", "plan_version", "status", "created_at")
    list_filter = ("status", "plan_version__name")
    list_select_related = ("workspace", "plan_version")
    search_fields = ("name", "owner_email", "id")
    readonly_fields = ("level",)
    actions = (
        "suspend",
        "reactivate",
        "move_to_schema",
        "move_to_database",
        "move_down_to_schema",
        "move_down_to_shared",
    )

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may suspend and move up: operators with the right to change tenants."""
        return request.user.has_perm("tenants.change_tenant")

    def has_support_permission(self, request: HttpRequest) -> bool:
        """Who may move a tenant down, which the API refuses: with the right to change moves too."""
        return self.has_operate_permission(request) and request.user.has_perm(
            "isolation.change_move"
        )

    @admin.display(description="Isolation level")
    def level(self, tenant: Tenant) -> str:
        """Where the rows are."""
        return selectors.placed([tenant])[0].isolation_level

    @admin.action(description="Suspend the selected tenants", permissions=["operate"])
    def suspend(self, request: HttpRequest, rows: "QuerySet[Tenant]") -> None:
        self.act(request, "suspended", partial(_do, lifecycle.suspend), rows)

    @admin.action(description="Reactivate the selected tenants", permissions=["operate"])
    def reactivate(self, request: HttpRequest, rows: "QuerySet[Tenant]") -> None:
        self.act(request, "reactivated", partial(_do, lifecycle.reactivate), rows)

    @admin.action(description="Move up to a schema of its own", permissions=["operate"])
    def move_to_schema(self, request: HttpRequest, rows: "QuerySet[Tenant]") -> None:
        self._move(request, rows, Level.DEDICATED_SCHEMA)

    @admin.action(description="Move up to a database of its own", permissions=["operate"])
    def move_to_database(self, request: HttpRequest, rows: "QuerySet[Tenant]") -> None:
        self._move(request, rows, Level.DEDICATED_DATABASE)

    @admin.action(description="Support: move down to a schema of its own", permissions=["support"])
    def move_down_to_schema(self, request: HttpRequest, rows: "QuerySet[Tenant]") -> None:
        self._move(request, rows, Level.DEDICATED_SCHEMA, is_support=True)

    @admin.action(description="Support: move down to the shared rows", permissions=["support"])
    def move_down_to_shared(self, request: HttpRequest, rows: "QuerySet[Tenant]") -> None:
        self._move(request, rows, Level.SHARED_SCHEMA, is_support=True)

    def _move(
        self,
        request: HttpRequest,
        rows: "QuerySet[Tenant]",
        target: Level,
        *,
        is_support: bool = False,
    ) -> None:
        verb = partial(moving.start, target=target, is_support=is_support)
        self.act(request, "begin to move", partial(_do, verb), rows)


def _do(verb: Any, tenant: Tenant) -> None:
    verb(workspace_id=tenant.workspace_id, tenant_id=tenant.id)


@admin.register(Move)
class MoveAdmin(ReadOnly):
    """Moves with their progress; a completed one is taken back as through the API."""

    list_display = ("tenant_id", "way", "status", "step", "progress", "why", "created_at")
    list_filter = ("status", "to_level", "is_rollback")
    search_fields = ("id", "tenant_id")
    ordering = ("-created_at", "-id")
    actions = ("roll_back", "stop")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may take a move back: operators with the right to change tenants."""
        return request.user.has_perm("tenants.change_tenant")

    @admin.display(description="From and to")
    def way(self, move: Move) -> str:
        """Both levels."""
        return f"{move.from_level} → {move.to_level}"

    @admin.display(description="Error")
    def why(self, move: Move) -> str:
        """Why it failed, in full."""
        return why_failed(move)

    @admin.display(description="Progress")
    def progress(self, move: Move) -> str:
        """Rows copied, the rate and what is left of the time."""
        shown = moving.describe(move)["progress"]
        left = shown["estimated_seconds_left"]
        rate = f", {shown['rows_per_second']:,.0f}/s" if shown["rows_per_second"] else ""
        wait = "" if left is None else f", {left} s left"
        return f"{shown['rows_done']:,} of {shown['rows_total']:,} rows{rate}{wait}"

    @admin.action(description="Roll back the selected moves", permissions=["operate"])
    def roll_back(self, request: HttpRequest, rows: "QuerySet[Move]") -> None:
        def verb(move: Move) -> None:
            moving.roll_back(workspace_id=move.workspace_id, move_id=move.id)

        self.act(request, "begin to move back", verb, rows)

    @admin.action(description="Stop the selected moves", permissions=["operate"])
    def stop(self, request: HttpRequest, rows: "QuerySet[Move]") -> None:
        def verb(move: Move) -> None:
            moving.stop(workspace_id=move.workspace_id, move_id=move.id)

        self.act(request, "stopped", verb, rows)


@admin.register(PlanVersion)
class PlanVersionAdmin(admin.ModelAdmin):
    """The catalogue: a new version is published here; a published one is never changed."""

    list_display = ("name", "version", "workspace", "price_cents", "created_at")
    list_filter = ("name",)
    fields = ("workspace", "name", "price_cents", "limits", "max_level")

    def save_model(self, request: HttpRequest, obj: PlanVersion, form: Any, change: bool) -> None:
        sign(request)
        made = catalogue.publish(
            workspace_id=obj.workspace_id,
            plan=TenantPlan(obj.name),
            price_cents=obj.price_cents,
            limits=obj.limits,
            max_level=obj.max_level,
        )
        obj.pk = made.pk

    def has_change_permission(self, request: HttpRequest, obj: PlanVersion | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: PlanVersion | None = None) -> bool:
        return False


@admin.register(DeletionCertificate)
class DeletionCertificateAdmin(ReadOnly):
    """What was deleted, when, and how many rows went."""

    list_display = ("tenant_id", "workspace_id", "requested_at", "finished_at", "sha256")
