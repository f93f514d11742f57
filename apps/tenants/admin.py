"""Tenants in the Django admin: to read, to suspend, to publish a plan."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from apps.tenants import catalogue, lifecycle
from apps.tenants.models import DeletionCertificate, PlanVersion, Tenant
from apps.tenants.plans import TenantPlan
from tenlyr.core import context
from tenlyr.core.errors import ApiError


class ReadOnly(admin.ModelAdmin):
    """Rows that only verbs change."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def act(request: HttpRequest, verb: Any, rows: "QuerySet[Tenant]") -> tuple[int, list[str]]:
    """Do one verb to each tenant as the signed-in operator; answers how many, and the refusals."""
    here = context.current()
    here.actor_type, here.actor_id = "operator", str(request.user.pk)
    done, refused = 0, []
    for tenant in rows:
        try:
            verb(workspace_id=tenant.workspace_id, tenant_id=tenant.id)
            done += 1
        except ApiError as error:
            refused.append(f"{tenant.name}: {error.public}")
    return done, refused


@admin.register(Tenant)
class TenantAdmin(ReadOnly):
    """Tenants to look at; suspended and reactivated through the same verbs as the API's."""

    list_display = ("name", "owner_email", "workspace", "plan_version", "status", "created_at")
    list_filter = ("status", "plan_version__name")
    list_select_related = ("workspace", "plan_version")
    search_fields = ("name", "owner_email", "id")
    actions = ("suspend", "reactivate")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may suspend: operators with the right to change tenants."""
        return request.user.has_perm("tenants.change_tenant")

    @admin.action(description="Suspend the selected tenants", permissions=["operate"])
    def suspend(self, request: HttpRequest, rows: "QuerySet[Tenant]") -> None:
        self._tell(request, "suspended", *act(request, lifecycle.suspend, rows))

    @admin.action(description="Reactivate the selected tenants", permissions=["operate"])
    def reactivate(self, request: HttpRequest, rows: "QuerySet[Tenant]") -> None:
        self._tell(request, "reactivated", *act(request, lifecycle.reactivate, rows))

    def _tell(self, request: HttpRequest, what: str, done: int, refused: list[str]) -> None:
        if done:
            self.message_user(request, f"{done} {what}.")
        for line in refused:
            self.message_user(request, line, messages.ERROR)


@admin.register(PlanVersion)
class PlanVersionAdmin(admin.ModelAdmin):
    """The catalogue: a new version is published here; a published one is never changed."""

    list_display = ("name", "version", "workspace", "price_cents", "created_at")
    list_filter = ("name",)
    fields = ("workspace", "name", "price_cents", "limits")

    def save_model(self, request: HttpRequest, obj: PlanVersion, form: Any, change: bool) -> None:
        here = context.current()
        here.actor_type, here.actor_id = "operator", str(request.user.pk)
        made = catalogue.publish(
            workspace_id=obj.workspace_id,
            plan=TenantPlan(obj.name),
            price_cents=obj.price_cents,
            limits=obj.limits,
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
